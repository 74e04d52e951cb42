//! Pictures as SVG: as much of it as plots and tables need.

use std::fmt::Write as _;

/// One picture.
#[derive(Clone, Debug)]
pub struct Picture(String);

/// A place: to the right and down, from the left upper corner.
pub type Place = (f64, f64);

impl Picture {
    /// A white one.
    #[must_use]
    pub fn new((width, height): Place) -> Self {
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
        ))
    }

    /// A text from a place on, or as further `attributes` say.
    pub fn text(&mut self, at: Place, text: &str, attributes: &str) {
        let ((x, y), gap) = (tenths(at), gap(attributes));
        let _ = writeln!(self.0, "<text x=\"{x}\" y=\"{y}\"{gap}{attributes}>{text}</text>");
    }

    /// A line through places.
    pub fn line(&mut self, places: &[Place], color: &str, attributes: &str) {
        let places = places.iter().map(|&place| tenths(place)).map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ");
        let gap = gap(attributes);
        let _ = writeln!(self.0, "<polyline points=\"{places}\" stroke=\"{color}\" fill=\"none\"{gap}{attributes}/>");
    }

    /// A filled box.
    pub fn fill(&mut self, at: Place, (width, height): Place, color: &str) {
        let (x, y) = tenths(at);
        let _ = writeln!(self.0, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"{color}\"/>");
    }

    /// A dot around a place.
    pub fn dot(&mut self, at: Place, radius: f64, color: &str) {
        let (x, y) = tenths(at);
        let _ = writeln!(self.0, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{color}\"/>");
    }

    /// The file.
    #[must_use]
    pub fn finish(self) -> String {
        self.0 + "</svg>\n"
    }
}

const fn gap(attributes: &str) -> &str {
    if attributes.is_empty() { "" } else { " " }
}

/// Finer than a tenth nobody sees.
fn tenths((x, y): Place) -> Place {
    ((x * 10.0).round() / 10.0, (y * 10.0).round() / 10.0)
}
