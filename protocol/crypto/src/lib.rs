//! Every cryptographic construction of the Session protocol
