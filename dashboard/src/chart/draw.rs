//! Draws a chart with `plotters`: axes, a few words on them, and bars or lines.

use std::fmt::Write;

use askama::Error;
use plotters::prelude::*;

use super::pen::{GRID, Pen, TENTHS, WORDS, ink};
use super::{Chart, Shape, Unit};
use crate::text::count;

/// Three of them stand beside each other on a wide page, and one fits a phone at the same size of its words.
const WIDTH: u32 = 352;
const HEIGHT: u32 = 176;
/// Tenths of a pixel.
const LEFT: u32 = 380;
const BELOW: u32 = 240;
const ABOVE: u32 = 80;
const RIGHT: u32 = 180;
const TICK: u32 = 30;
/// How much of a step a bar leaves free on each side.
const GAP: f64 = 0.12;
/// A chart of fewer is drawn as if it went so far, so that its axis has whole numbers.
const LEAST: f64 = 4.0;

/// A chart with its picture.
#[derive(Debug)]
pub(crate) struct Drawn<'a> {
    /// The data.
    pub chart: &'a Chart,
    /// The SVG; empty where there is nothing to draw.
    pub svg: String,
}

impl Drawn<'_> {
    /// What somebody who does not see it hears.
    pub(crate) fn label(&self) -> String {
        format!("{}. {}", self.chart.title, self.chart.sentence)
    }

    /// How many steps the table has, in words.
    pub(crate) fn numbers(&self) -> String {
        format!("The numbers, {}", count(self.chart.rows().len() as u64, "row", "rows"))
    }
}

/// Draws a chart.
pub(crate) fn draw(chart: &Chart) -> Result<Drawn<'_>, Error> {
    if chart.is_empty() {
        return Ok(Drawn { chart, svg: String::new() });
    }
    let mut svg = String::with_capacity(4_000);
    write!(svg, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\">")?;
    let inks: Vec<&'static str> = chart.series.iter().map(|series| series.ink).collect();
    plot(chart, Pen::new(&mut svg, (WIDTH * TENTHS, HEIGHT * TENTHS), &inks)).map_err(Error::custom)?;
    svg.push_str("</svg>");
    Ok(Drawn { chart, svg })
}

type Failed = DrawingAreaErrorKind<std::convert::Infallible>;

fn plot(chart: &Chart, pen: Pen<'_>) -> Result<(), Failed> {
    let scale = Scale::of(chart);
    // Steps are counted from the last one back, so that the latest has its name on the axis.
    let steps = number(chart.steps.len() as u64);
    let place = |step: u32| f64::from(step) - steps + 1.0;
    let area = pen.into_drawing_area();
    let mut context = ChartBuilder::on(&area)
        .margin_top(ABOVE)
        .margin_right(RIGHT)
        .x_label_area_size(BELOW)
        .y_label_area_size(LEFT)
        .build_cartesian_2d(0.5 - steps..0.5, 0.0..scale.top)?;
    let name = |at: &f64| chart.steps.iter().zip(0_u32..).find(|(_, step)| (place(*step) - at).abs() < 0.01);
    context
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID)
        .axis_style(GRID)
        .set_all_tick_mark_size(TICK)
        .x_labels(4)
        .y_labels(4)
        .x_label_formatter(&|at| name(at).map(|(step, _)| step.short.clone()).unwrap_or_default())
        .y_label_formatter(&|value| scale.words(*value))
        .label_style(("sans-serif", 12 * TENTHS, &WORDS))
        .draw()?;
    match chart.shape {
        Shape::Bars => {
            let mut below = vec![0.0; chart.steps.len()];
            for (index, series) in chart.series.iter().enumerate() {
                let bars = series.values.iter().zip(&mut below).zip(0_u32..).map(|((value, below), step)| {
                    let (from, at) = (*below, place(step));
                    *below += number(*value) / scale.divisor;
                    let half = 0.5 - GAP;
                    Rectangle::new([(at - half, from), (at + half, *below)], ink(index).filled())
                });
                context.draw_series(bars)?;
            }
        }
        Shape::Lines => {
            for (index, series) in chart.series.iter().enumerate() {
                let points = series.values.iter().zip(0_u32..);
                let points = points.map(|(value, step)| (place(step), number(*value) / scale.divisor));
                context.draw_series([PathElement::new(points.collect::<Vec<_>>(), ink(index))])?;
            }
        }
    }
    area.present()
}

/// How a chart's numbers stand on its axis.
struct Scale {
    unit: Unit,
    divisor: f64,
    top: f64,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let most = match chart.shape {
            Shape::Lines => chart.series.iter().flat_map(|it| &it.values).copied().max().unwrap_or(0),
            Shape::Bars => {
                let sum = |step: usize| chart.series.iter().filter_map(|it| it.values.get(step)).sum::<u64>();
                (0..chart.steps.len()).map(sum).max().unwrap_or(0)
            }
        };
        let divisor = match chart.unit {
            Unit::Count => 1.0,
            Unit::Milliseconds if most < 180_000 => 1_000.0,
            Unit::Milliseconds => 60_000.0,
        };
        Self { unit: chart.unit, divisor, top: (number(most) / divisor * 1.05).max(LEAST) }
    }

    fn words(&self, value: f64) -> String {
        let unit = match self.unit {
            Unit::Count if value >= 10_000.0 => return format!("{} k", value / 1_000.0),
            Unit::Count => "",
            Unit::Milliseconds if self.divisor < 60_000.0 => " s",
            Unit::Milliseconds => " min",
        };
        format!("{value}{unit}")
    }
}

/// A number as one that can be drawn; what is beyond is drawn at the edge.
fn number(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}
