//! A graph in Graphviz' language.

use std::fmt::Write;

use super::graph::{Graph, Kind, Node};

/// The graph as a `.dot` document.
pub fn dot(graph: &Graph) -> String {
    let mut out = format!("digraph {} {{\n", quote(&graph.name));
    out.push_str("  compound=true; rankdir=TB; node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=monospace];\n");
    draw(&mut out, graph, "n", 1);
    out.push_str("}\n");
    out
}

// Writing to a string cannot fail.
fn draw(out: &mut String, graph: &Graph, prefix: &str, depth: usize) {
    let indent = "  ".repeat(depth);
    for (at, node) in graph.nodes.iter().enumerate() {
        match &node.inside {
            None => {
                let _ = writeln!(
                    out,
                    "{indent}{prefix}{at} [label={}, fillcolor=\"{}\"];",
                    label(node),
                    colour(node.kind)
                );
            }
            Some(inside) => {
                let _ = writeln!(
                    out,
                    "{indent}subgraph cluster_{prefix}{at} {{\n{indent}  label={};",
                    label(node)
                );
                draw(out, inside, &format!("{prefix}{at}_"), depth + 1);
                let _ = writeln!(out, "{indent}}}");
            }
        }
    }
    for (from, to) in &graph.edges {
        // An arrow to or from an open model ends at its border.
        let (tail, head) = (end(graph, *from, prefix, true), end(graph, *to, prefix, false));
        let clip = |what: &str, at: usize| match graph.nodes[at].inside {
            Some(_) => format!("{what}=cluster_{prefix}{at}"),
            None => String::new(),
        };
        let options: Vec<String> =
            [clip("ltail", *from), clip("lhead", *to)].into_iter().filter(|o| !o.is_empty()).collect();
        let options = if options.is_empty() { String::new() } else { format!(" [{}]", options.join(", ")) };
        let _ = writeln!(out, "{indent}{tail} -> {head}{options};");
    }
}

/// The box that stands for a node: for an open model its first, or its last.
fn end(graph: &Graph, at: usize, prefix: &str, last: bool) -> String {
    match &graph.nodes[at].inside {
        Some(inside) if !inside.nodes.is_empty() => {
            let inner = if last { inside.nodes.len() - 1 } else { 0 };
            end(inside, inner, &format!("{prefix}{at}_"), last)
        }
        _ => format!("{prefix}{at}"),
    }
}

fn label(node: &Node) -> String {
    let call = node.call.map(|call| format!(", call {call}")).unwrap_or_default();
    let lines =
        [format!("{} ({}{call})", node.name, node.class)].into_iter().chain(node.details.iter().cloned());
    quote(&lines.collect::<Vec<_>>().join("\n"))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Input | Kind::Output => "#f7fafc",
        Kind::Convolution => "#dbeafe",
        Kind::Weighted => "#dcfce7",
        Kind::Normalization => "#fef9c3",
        Kind::Sequence => "#f3e8ff",
        Kind::Plain => "#ffffff",
        Kind::Merge => "#ffedd5",
        Kind::Model => "#eef2f7",
    }
}
