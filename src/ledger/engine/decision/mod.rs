//! Whether a call is let in, and why not.

pub(super) mod copy_decision;
pub(super) mod decide;
pub(super) mod demand;
pub(super) mod near;
pub(super) mod questions;
pub(super) mod refuse;
