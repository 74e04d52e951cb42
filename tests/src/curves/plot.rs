//! The curves as a picture: delay against traffic, on axes that double and double again.

use anonet_core::RelayPolicy;

use super::table::{kilobytes, time};
use super::{Curves, Point, SIZES};
use crate::picture::{Picture, Place};

const SIZE: Place = (860.0, 560.0);
const LEFT: f64 = 70.0;
const RIGHT: f64 = 190.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;

/// Of the curves for each size.
const COLORS: [&str; 3] = ["#1b6ca8", "#27864a", "#c0392b"];

/// One axis, by the logarithms of its ends.
#[derive(Clone, Copy, Debug)]
struct Axis {
    values: (f64, f64),
    places: (f64, f64),
}

impl Axis {
    /// From the power of two at or below the least value to the one at or above the greatest.
    fn over(values: impl Iterator<Item = f64>, places: (f64, f64)) -> Self {
        let logs = values.filter(|value| value.is_finite() && *value > 0.0).map(f64::log2);
        let (least, most) = logs.fold((f64::MAX, f64::MIN), |(least, most), log| (least.min(log), most.max(log)));
        Self { values: (least.floor(), most.ceil().max(least.floor() + 1.0)), places }
    }

    fn place(&self, value: f64) -> f64 {
        let share = (value.log2() - self.values.0) / (self.values.1 - self.values.0);
        self.places.0 + share * (self.places.1 - self.places.0)
    }

    fn marks(&self) -> impl Iterator<Item = f64> + use<> {
        (self.values.0 as i32..=self.values.1 as i32).map(|log| f64::from(log).exp2())
    }
}

/// The picture.
#[must_use]
pub fn svg(curves: &Curves) -> String {
    let medians = || curves.points.iter().flat_map(|point| &point.first).map(|times| times.at(0.5));
    let across = Axis::over(curves.points.iter().map(megabytes), (LEFT, SIZE.0 - RIGHT));
    let up = Axis::over(medians(), (SIZE.1 - BOTTOM, TOP));
    let mut picture = Picture::new(SIZE);
    grid(&mut picture, across, up);
    let place = |point: &Point, size: usize| (across.place(megabytes(point)), up.place(point.first[size].at(0.5)));
    for (size, color) in COLORS.into_iter().enumerate() {
        let on_curve = |point: &&Point| point.name.starts_with("courier");
        let curve: Vec<Place> = curves.points.iter().filter(on_curve).map(|point| place(point, size)).collect();
        picture.line(&curve, color, "stroke-width=\"1.5\"");
        curve.iter().for_each(|&at| picture.dot(at, 3.0, color));
        for point in curves.points.iter().filter(|point| !on_curve(point)) {
            let at = place(point, size);
            picture.dot(at, 5.0, color);
            if size == 0 || point.setting.relay != RelayPolicy::Courier {
                let shift = if size == 0 { 16.0 } else { -8.0 };
                let label = if size == 0 { point.name.clone() } else { format!("{}, {}", point.name, kilobytes(SIZES[size])) };
                picture.text((at.0 + 6.0, at.1 + shift), &label, &format!("fill=\"{color}\""));
            }
        }
        let row = TOP + 14.0 + 18.0 * size as f64;
        picture.line(&[(SIZE.0 - RIGHT + 20.0, row - 4.0), (SIZE.0 - RIGHT + 44.0, row - 4.0)], color, "stroke-width=\"1.5\"");
        picture.text((SIZE.0 - RIGHT + 50.0, row), &format!("courier, {}", kilobytes(SIZES[size])), &format!("fill=\"{color}\""));
    }
    picture.finish()
}

fn megabytes(point: &Point) -> f64 {
    point.traffic[0].megabytes
}

fn grid(picture: &mut Picture, across: Axis, up: Axis) {
    picture.text(
        (LEFT, 22.0),
        "Median delay to the first honest peer, against traffic over Tor; large dots: presets, noise, fluff",
        "",
    );
    for mark in across.marks() {
        let x = across.place(mark);
        picture.line(&[(x, up.places.0), (x, up.places.1)], "#ddd", "");
        picture.text((x, up.places.0 + 16.0), &format!("{mark}"), "text-anchor=\"middle\"");
    }
    for mark in up.marks() {
        let y = up.place(mark);
        picture.line(&[(across.places.0, y), (across.places.1, y)], "#ddd", "");
        picture.text((LEFT - 6.0, y + 4.0), &time(mark), "text-anchor=\"end\"");
    }
    picture.text((across.places.1, SIZE.1 - 12.0), "megabytes a day", "text-anchor=\"end\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_gives_each_doubling_the_same_room() {
        let axis = Axis::over([3.0, 9.0, f64::INFINITY].into_iter(), (100.0, 400.0));
        assert_eq!(axis.marks().collect::<Vec<_>>(), [2.0, 4.0, 8.0, 16.0]);
        assert_eq!([2.0, 4.0, 8.0, 16.0].map(|value| axis.place(value)), [100.0, 200.0, 300.0, 400.0]);
    }
}
