//! The encrypted client database
