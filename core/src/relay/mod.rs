//! What is sent to whom, and when. These parts decide; the node moves the bytes.

pub(crate) mod courier;
pub(crate) mod flush;
pub(crate) mod noise;
pub(crate) mod stem;
pub(crate) mod transit;
pub(crate) mod units;
