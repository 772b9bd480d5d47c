//! A graph as SVG.

use std::fmt::Write;

use super::graph::{Graph, Kind, Node};
use super::layout::{Layout, Point, layout};

/// Font size of names, and of what stands below them.
const NAME: f64 = 13.0;
const SMALL: f64 = 11.0;
/// Width of a character of a monospaced font, in units of its size.
const CHARACTER: f64 = 0.602;
/// Height of a line, in units of its size.
const LINE: f64 = 1.3;
/// Around the text of a box.
const PADDING: f64 = 9.0;
/// Around what is inside an open model, and around the picture.
const MARGIN: f64 = 18.0;

/// A graph with everything placed.
struct Picture<'a> {
    graph: &'a Graph,
    sizes: Vec<(f64, f64)>,
    inside: Vec<Option<Picture<'a>>>,
    layout: Layout,
}

impl Picture<'_> {
    fn new(graph: &Graph) -> Picture<'_> {
        let inside: Vec<Option<Picture<'_>>> =
            graph.nodes.iter().map(|node| node.inside.as_ref().map(Picture::new)).collect();
        let sizes: Vec<(f64, f64)> =
            graph.nodes.iter().zip(&inside).map(|(node, inside)| size(node, inside)).collect();
        let layout = layout(&sizes, &graph.edges);
        Picture { graph, sizes, inside, layout }
    }

    fn draw(&self, out: &mut String, at: Point) {
        for arrow in &self.layout.arrows {
            let _ = writeln!(out, r#"<path class="arrow" d="{}"/>"#, path(arrow, at));
        }
        for (number, node) in self.graph.nodes.iter().enumerate() {
            let corner = self.layout.boxes[number];
            let corner = Point { x: at.x + corner.x, y: at.y + corner.y };
            draw_box(out, node, corner, self.sizes[number]);
            if let Some(inside) = &self.inside[number] {
                let x = corner.x + (self.sizes[number].0 - inside.layout.width) / 2.0;
                inside.draw(out, Point { x, y: corner.y + text_height(node) + MARGIN });
            }
        }
    }
}

/// The lines of a box below its name.
fn lines(node: &Node) -> Vec<String> {
    let mut first = node.class.clone();
    if let Some(call) = node.call {
        let _ = write!(first, ", call {call}");
    }
    let mut details = node.details.iter();
    let shape = details.next().cloned();
    details.for_each(|detail| first.extend([" · ", detail]));
    std::iter::once(first).chain(shape).collect()
}

fn text_height(node: &Node) -> f64 {
    2.0 * PADDING + NAME * LINE + SMALL * LINE * lines(node).len() as f64
}

fn size(node: &Node, inside: &Option<Picture<'_>>) -> (f64, f64) {
    let width = |text: &str, size: f64| text.chars().count() as f64 * CHARACTER * size;
    let text = lines(node).iter().map(|line| width(line, SMALL)).fold(width(&node.name, NAME), f64::max);
    let (width, height) = (text + 2.0 * PADDING, text_height(node));
    match inside {
        None => (width, height),
        Some(inside) => {
            (width.max(inside.layout.width + 2.0 * MARGIN), height + inside.layout.height + 2.0 * MARGIN)
        }
    }
}

fn draw_box(out: &mut String, node: &Node, corner: Point, (width, height): (f64, f64)) {
    let (x, y) = (corner.x, corner.y);
    // Inputs and outputs are round.
    let round = if matches!(node.kind, Kind::Input | Kind::Output) { 16.0 } else { 5.0 };
    let class = class(node.kind);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        r#"<g><title>{}</title><rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="{round}"/>"#,
        escape(&format!("{} ({})", node.name, node.class)),
    );
    let middle = x + width / 2.0;
    let mut line = y + PADDING + NAME;
    let _ =
        writeln!(out, r#"<text class="name" x="{middle:.1}" y="{line:.1}">{}</text>"#, escape(&node.name));
    for text in lines(node) {
        line += SMALL * LINE;
        let _ = writeln!(out, r#"<text x="{middle:.1}" y="{line:.1}">{}</text>"#, escape(&text));
    }
    out.push_str("</g>\n");
}

/// Curves that leave and enter boxes straight down.
fn path(points: &[Point], at: Point) -> String {
    let mut out = String::new();
    for (number, point) in points.iter().enumerate() {
        let (x, y) = (at.x + point.x, at.y + point.y);
        match number.checked_sub(1).map(|before| points[before]) {
            None => {
                let _ = write!(out, "M{x:.1} {y:.1}");
            }
            Some(before) if before.x == point.x => {
                let _ = write!(out, "V{y:.1}");
            }
            Some(before) => {
                let (from, middle) = (at.x + before.x, at.y + (before.y + point.y) / 2.0);
                let _ = write!(out, "C{from:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}");
            }
        }
    }
    out
}

fn class(kind: Kind) -> &'static str {
    match kind {
        Kind::Input => "input",
        Kind::Output => "output",
        Kind::Convolution => "convolution",
        Kind::Weighted => "weighted",
        Kind::Normalization => "normalization",
        Kind::Sequence => "sequence",
        Kind::Plain => "plain",
        Kind::Merge => "merge",
        Kind::Model => "model",
    }
}

/// Text for XML, which has no control characters.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() || c == '\u{fffe}' || c == '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "\
text{font:11px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#4a5568;text-anchor:middle}
.name{font-size:13px;font-weight:bold;fill:#1a202c}
rect{stroke-width:1.2}
.arrow{fill:none;stroke:#718096;stroke-width:1.3;marker-end:url(#head)}
.input,.output{fill:#f7fafc;stroke:#718096}
.convolution{fill:#dbeafe;stroke:#3b82f6}
.weighted{fill:#dcfce7;stroke:#22a55a}
.normalization{fill:#fef9c3;stroke:#ca8a04}
.sequence{fill:#f3e8ff;stroke:#9333ea}
.plain{fill:#ffffff;stroke:#a0aec0}
.merge{fill:#ffedd5;stroke:#ea7317}
.model{fill:#eef2f7;stroke:#64748b;stroke-dasharray:5 3}";

/// The graph as an SVG document.
pub fn svg(graph: &Graph) -> String {
    let picture = Picture::new(graph);
    let (width, height) = (picture.layout.width + 2.0 * MARGIN, picture.layout.height + 2.0 * MARGIN);
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.1} {height:.1}">
<title>{}</title>
<style>{STYLE}</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#718096"/></marker></defs>
<rect width="100%" height="100%" fill="#ffffff"/>
"##,
        escape(&graph.name)
    );
    picture.draw(&mut out, Point { x: MARGIN, y: MARGIN });
    out.push_str("</svg>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_the_document() {
        assert_eq!(escape("a<b>&\"c\"\u{1}"), "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}");
    }
}
