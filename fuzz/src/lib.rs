//! anonet fuzz targets.

pub mod address;
pub mod levin_split;
