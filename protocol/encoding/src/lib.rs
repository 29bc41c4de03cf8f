//! bt-encoding, message padding and the recovery password's word form
