//! What `plotters` draws with: an SVG with classes instead of colours, in tenths of a pixel.
//!
//! A colour is the number of an ink, in its red part; an ink is a class of the style sheet. Bars of one ink that follow each other become
//! one path, which is half as long as rectangles are.

use std::convert::Infallible;
use std::fmt::Write;

use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

type Done = Result<(), DrawingErrorKind<Infallible>>;

/// The class of an axis' words.
pub(super) const WORDS: RGBColor = RGBColor(0, 0, 0);
/// The class of the lines behind a chart.
pub(super) const GRID: RGBColor = RGBColor(1, 0, 0);
/// How many tenths a pixel has.
pub(super) const TENTHS: u32 = 10;

const OWN: [&str; 2] = ["soft", "grid"];

/// The colour that stands for the ink of a series.
pub(super) fn ink(series: usize) -> RGBColor {
    RGBColor(u8::try_from(series + OWN.len()).unwrap_or(u8::MAX), 0, 0)
}

/// The pen.
pub(super) struct Pen<'a> {
    out: &'a mut String,
    size: (u32, u32),
    inks: &'a [&'static str],
    /// The ink of the path of bars that is not closed yet.
    open: Option<u8>,
}

impl<'a> Pen<'a> {
    /// A pen that writes what stands inside of an `<svg>` of that many tenths; `inks` are the classes of the series.
    pub(super) const fn new(out: &'a mut String, size: (u32, u32), inks: &'a [&'static str]) -> Self {
        Self { out, size, inks, open: None }
    }

    fn class(&self, colour: BackendColor) -> &'static str {
        let number = usize::from(colour.rgb.0);
        OWN.get(number).or_else(|| self.inks.get(number - OWN.len())).copied().unwrap_or_default()
    }

    /// Ends a path of bars.
    fn close(&mut self) {
        if self.open.take().is_some() {
            self.out.push_str("\"/>");
        }
    }

    fn path(&mut self, points: impl IntoIterator<Item = BackendCoord>, class: &str, ends: &str) {
        self.close();
        self.put(format_args!("<path class=\"{class}\" d=\""));
        for (index, (x, y)) in points.into_iter().enumerate() {
            self.put(format_args!("{}{} {}", if index == 0 { 'M' } else { 'L' }, tenths(x), tenths(y)));
        }
        self.put(format_args!("{ends}\"/>"));
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        self.out.write_fmt(text).expect("a string takes everything");
    }
}

/// A number of tenths as a number of pixels.
fn tenths(number: i32) -> String {
    let (whole, rest) = (number.unsigned_abs() / TENTHS, number.unsigned_abs() % TENTHS);
    let sign = if number < 0 { "-" } else { "" };
    if rest == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }
}

impl DrawingBackend for Pen<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        self.close();
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, colour: BackendColor) -> Done {
        self.draw_rect((x, y), (x + 10, y + 10), &colour, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, one: BackendCoord, other: BackendCoord, style: &S, fill: bool) -> Done {
        let ((left, right), (top, bottom)) = (sorted(one.0, other.0), sorted(one.1, other.1));
        if style.color().alpha == 0.0 || left == right || top == bottom {
            return Ok(());
        }
        if !fill {
            return self.draw_path([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], style);
        }
        let ink = style.color().rgb.0;
        if self.open != Some(ink) {
            self.close();
            let class = self.class(style.color());
            self.put(format_args!("<path class=\"fill {class}\" d=\""));
            self.open = Some(ink);
        }
        let (width, height) = (tenths(right - left), tenths(bottom - top));
        self.put(format_args!("M{} {}h{width}v{height}h-{width}z", tenths(left), tenths(top)));
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done {
        if style.color().alpha == 0.0 {
            return Ok(());
        }
        let class = format!("line {}", self.class(style.color()));
        self.path(path, &class, "");
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, fill: bool) -> Done {
        self.close();
        let class = if fill { "fill" } else { "line" };
        let (ink, radius) = (self.class(style.color()), tenths(radius.cast_signed()));
        let (x, y) = (tenths(at.0), tenths(at.1));
        self.put(format_args!("<circle class=\"{class} {ink}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"));
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, points: I, style: &S) -> Done {
        let class = format!("fill {}", self.class(style.color()));
        self.path(points, &class, "z");
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, (x, y): BackendCoord) -> Done {
        self.close();
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // A text stands on its line, where plotters may mean its top or its middle.
        let down = match style.anchor().v_pos {
            VPos::Top => 90,
            VPos::Center => 40,
            VPos::Bottom => -30,
        };
        let (class, text) = (self.class(style.color()), escaped(text));
        let (x, y) = (tenths(x), tenths(y + down));
        self.put(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"));
        Ok(())
    }
}

const fn sorted(one: i32, other: i32) -> (i32, i32) {
    if one <= other { (one, other) } else { (other, one) }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
