//! Renders documents and says what became of them: `cargo run -p markup --example render -- FILE…`. With one file, its HTML is written out.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use markup::{Format, Place, render};

fn main() -> std::io::Result<()> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    for path in &paths {
        let text = String::from_utf8_lossy(&std::fs::read(path)?).into_owned();
        let place = Place {
            files: "/src/x/x-1/".to_owned(),
            pages: "/dist/x/1/".to_owned(),
            path: path.clone(),
            all: Arc::new(paths.iter().cloned().collect::<BTreeSet<_>>()),
        };
        let start = Instant::now();
        let document = render(&text, Format::of(path), &place, 2);
        let (ms, html) = (start.elapsed().as_millis(), document.html.len());
        eprintln!("{path}: {} bytes, {html} of HTML, {} headings, {ms} ms", text.len(), document.headings.len());
        if paths.len() == 1 {
            println!("{}", document.html);
        }
    }
    Ok(())
}
