//! The protobuf schema and the pipelines between message content and stored bytes
