//! Accounts, conversations and delivery: the messenger behind every front end
