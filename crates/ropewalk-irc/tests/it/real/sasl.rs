//! Logging in.
