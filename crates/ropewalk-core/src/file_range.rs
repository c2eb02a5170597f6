//! [`FileRange`]: bytes of a file that are to be sent from where they lie.

use std::fs::File;
use std::sync::Arc;

/// A part of an open file, for [`Transport::write_file`](crate::Transport::write_file).
///
/// A driver has the system send it (`sendfile` on Linux), so that the bytes are in no buffer of this process. They
/// are those that the file has when they are sent; one that is shorter by then fails the connection.
#[derive(Clone, Debug)]
pub struct FileRange {
    /// Open for reading, and a regular file: the system does not wait for what is in its memory.
    pub file: Arc<File>,
    /// Where the first byte stands.
    pub offset: u64,
    /// How many bytes.
    pub len: usize,
}
