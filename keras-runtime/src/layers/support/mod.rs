//! Pieces that several layers share.

pub(crate) mod activated;
