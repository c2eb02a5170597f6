//! The server under random and hostile input.
