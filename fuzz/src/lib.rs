//! anonet fuzz targets.

pub mod address;
