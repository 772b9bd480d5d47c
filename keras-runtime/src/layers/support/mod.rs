//! Pieces that several layers share.

pub(crate) mod activated;
pub(crate) mod chain;
pub(crate) mod contraction;
pub(crate) mod each_step;
pub(crate) mod elementwise;
pub(crate) mod equation;
pub(crate) mod frame;
pub(crate) mod noise;
pub(crate) mod resize;
pub(crate) mod walks;
pub(crate) mod window;
pub(crate) mod wrapped;
