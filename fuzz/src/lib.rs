//! anonet fuzz targets.

pub mod address;
pub mod epee;
pub mod levin_split;
pub mod wire_roundtrip;
