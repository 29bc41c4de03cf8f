//! How a stream ends that does not end well (docs/protocol/file-server.md section 5.3). Where there
//! is none of these, a server gives the status HTTP has (section 9.2).

/// All is well: a connection that is not needed any more.
pub const DONE: u32 = 0;
/// The command cannot be read, or something follows a `GET`.
pub const BAD_COMMAND: u32 = 400;
/// No such file.
pub const NOT_FOUND: u32 = 404;
/// Another command than `PUT` and `GET`.
pub const UNKNOWN_COMMAND: u32 = 405;
/// The other side paused for too long.
pub const TOO_SLOW: u32 = 408;
/// A client cannot read what a server says about the file.
pub const BAD_METADATA: u32 = 444;
/// A `PUT` without a size.
pub const NO_SIZE: u32 = 450;
/// A size no file may have.
pub const BAD_SIZE: u32 = 451;
/// Fewer bytes than announced.
pub const TOO_SHORT: u32 = 452;
/// More bytes than announced.
pub const TOO_LONG: u32 = 453;
/// The server could not keep or read the file.
pub const STORAGE: u32 = 480;
/// A client does not want the rest.
pub const ABANDONED: u32 = 499;
