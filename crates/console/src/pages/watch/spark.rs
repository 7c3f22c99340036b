//! The small trend beside a number: a bar for each of the last measurements, whose shape tells how it was judged.

use maud::{Markup, html};
use model::{Finding, TrendPoint};

use crate::words::Words;

const HEIGHT: f64 = 22.0;

/// The trend, oldest left: a low bar holds, a full bar falls short, a hollow one could not be measured.
pub(crate) fn spark(words: Words, points: &[TrendPoint]) -> Markup {
    let count = |finding| points.iter().filter(|point| point.finding == finding).count() as u64;
    let label = words.trend_label(points.len() as u64, count(Finding::FallsShort), count(Finding::Unknown));
    let width = points.len().max(12) * 4;
    html! {
        svg.spark viewBox={ "0 0 " (width) " 24" } width=(width) height="24" role="img" aria-label=(label) {
            title { (label) }
            @for (place, point) in points.iter().enumerate() {
                @let (class, height) = bar(point.finding);
                rect class=(class) x=(place * 4) y=(format!("{:.1}", HEIGHT - height + 1.0)) width="3" height=(format!("{height:.1}")) {}
            }
        }
    }
}

fn bar(finding: Finding) -> (&'static str, f64) {
    match finding {
        Finding::Holds => ("spark-holds", 7.0),
        Finding::Unknown => ("spark-unknown", 13.0),
        Finding::FallsShort => ("spark-short", HEIGHT),
    }
}
