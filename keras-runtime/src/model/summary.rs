//! A model as a table, as Keras prints it.

use std::fmt;

use crate::engine::{Definition, Kind, Network, Source};
use crate::plan::Spec;

/// A model as a table: layers, shapes, parameters. Its `Display` is what Keras prints.
pub struct Summary {
    name: String,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    trainable: usize,
    frozen: usize,
    float: usize,
    memory: Option<(usize, usize)>,
}

/// Widths of the columns, with a blank on either side: Keras' on a terminal of 80 columns.
const PLAIN: [usize; 3] = [33, 24, 15];
const CONNECTED: [usize; 4] = [21, 19, 12, 19];

impl Summary {
    /// Of a network. `memory` is how many floats a sample takes to predict and to train.
    pub fn new(network: &Network, memory: Option<(usize, usize)>) -> Summary {
        let definition = network.definition();
        let chain = is_chain(definition);
        let mut rows = Vec::new();
        let inputs = definition.inputs.iter().filter(|_| !definition.sequential);
        for input in inputs {
            let mut row = vec![format!("{} (InputLayer)", input.name), shape(&input.spec), "0".into()];
            if !chain {
                row.push("-".into());
            }
            rows.push(row);
        }
        for (at, member) in definition.members.iter().enumerate() {
            let nodes: Vec<_> = definition.nodes.iter().filter(|n| n.member == at).collect();
            let outputs =
                nodes.first().map_or(vec![], |n| n.plan.outputs.as_slice().iter().map(shape).collect());
            let outputs = match &outputs[..] {
                [one] => one.clone(),
                several => format!("[{}]", several.join(", ")),
            };
            let own = network.variables().iter().filter(|v| v.layer.first() == Some(&member.name));
            let params: usize = own.map(|v| v.size()).sum();
            let mut row =
                vec![format!("{} ({})", member.name, member.class_name()), outputs, grouped(params)];
            if !chain {
                let sources = nodes.iter().flat_map(|n| &n.inputs);
                let names: Vec<String> = sources.map(|s| connection(definition, *s)).collect();
                row.push(if names.is_empty() { "-".into() } else { names.join(", ") });
            }
            rows.push(row);
        }
        let mut header = vec!["Layer (type)", "Output Shape", "Param #"];
        if !chain {
            header.push("Connected to");
        }
        let size = |trained: bool| {
            let of = |v: &&crate::engine::Variable| (v.trainable && v.kind == Kind::Weight) == trained;
            network.variables().iter().filter(of).map(|v| v.size()).sum()
        };
        Summary {
            name: definition.name.clone(),
            header,
            rows,
            trainable: size(true),
            frozen: size(false),
            float: network.float().size(),
            memory,
        }
    }
}

/// Whether every layer is called once, on what the layer before it yields.
fn is_chain(definition: &Definition) -> bool {
    definition.inputs.len() == 1
        && definition.nodes.iter().enumerate().all(|(at, node)| {
            let before = if at == 0 { Source::Input(0) } else { Source::node(at - 1) };
            node.inputs == [before] && definition.nodes[..at].iter().all(|n| n.member != node.member)
        })
}

/// `dense[0][0]`: a layer, which of its calls, which of the call's outputs.
fn connection(definition: &Definition, source: Source) -> String {
    match source {
        Source::Input(i) => format!("{}[0][0]", definition.inputs[i].name),
        Source::Node { node, output } => {
            let member = definition.nodes[node].member;
            let call = definition.nodes[..node].iter().filter(|n| n.member == member).count();
            format!("{}[{call}][{output}]", definition.members[member].name)
        }
    }
}

/// `(None, 28, 28)`.
fn shape(spec: &Spec) -> String {
    let batch = spec.batched().then(|| "None".to_string());
    let dims: Vec<String> = batch.into_iter().chain(spec.shape().dims().map(|d| d.to_string())).collect();
    match &dims[..] {
        [one] => format!("({one},)"),
        several => format!("({})", several.join(", ")),
    }
}

/// `101,770`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `397.54 KB`.
fn bytes(n: usize) -> String {
    let mut size = n as f64;
    let mut units = ["B", "KB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or("B");
    while size >= 1024.0 {
        let Some(next) = units.next() else { break };
        size /= 1024.0;
        unit = next;
    }
    format!("{size:.2} {unit}")
}

/// Words in lines of at most `width`; a word that is longer is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let length = word.chars().count();
        let last = lines.len() - 1;
        let used = lines[last].chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
        } else if used > 0 {
            lines[last].push(' ');
        }
        let last = lines.len() - 1;
        if length > width {
            lines[last].extend(word.chars().take(width - 1));
            lines[last].push('…');
        } else {
            lines[last].push_str(word);
        }
    }
    lines
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: &[usize] = if self.header.len() == 3 { &PLAIN } else { &CONNECTED };
        let rule = |f: &mut fmt::Formatter<'_>, [left, line, middle, right]: [&str; 4]| {
            let cells: Vec<String> = widths.iter().map(|w| line.repeat(*w)).collect();
            writeln!(f, "{left}{}{right}", cells.join(middle))
        };
        let row = |f: &mut fmt::Formatter<'_>, cells: &[&str], edge: &str| {
            let wrapped: Vec<Vec<String>> = cells.iter().zip(widths).map(|(c, w)| wrap(c, w - 2)).collect();
            for line in 0..wrapped.iter().map(Vec::len).max().unwrap_or(0) {
                for (column, (lines, width)) in wrapped.iter().zip(widths).enumerate() {
                    let text = lines.get(line).map_or("", String::as_str);
                    let width = width - 2;
                    if column == 2 {
                        write!(f, "{edge} {text:>width$} ")?;
                    } else {
                        write!(f, "{edge} {text:<width$} ")?;
                    }
                }
                writeln!(f, "{edge}")?;
            }
            Ok(())
        };
        writeln!(f, "Model: \"{}\"", self.name)?;
        rule(f, ["┏", "━", "┳", "┓"])?;
        row(f, &self.header, "┃")?;
        rule(f, ["┡", "━", "╇", "┩"])?;
        for (at, cells) in self.rows.iter().enumerate() {
            if at > 0 {
                rule(f, ["├", "─", "┼", "┤"])?;
            }
            row(f, &cells.iter().map(String::as_str).collect::<Vec<_>>(), "│")?;
        }
        rule(f, ["└", "─", "┴", "┘"])?;
        let total = self.trainable + self.frozen;
        for (what, n) in [("Total", total), ("Trainable", self.trainable), ("Non-trainable", self.frozen)] {
            writeln!(f, " {what} params: {} ({})", grouped(n), bytes(n * self.float))?;
        }
        if let Some((predict, train)) = self.memory {
            let size = |n: usize| bytes(n * self.float);
            writeln!(f, " Memory per sample: {} to predict, {} to train", size(predict), size(train))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_read_as_keras_writes_them() {
        assert_eq!([grouped(0), grouped(512), grouped(101_770)], ["0", "512", "101,770"]);
        assert_eq!([bytes(0), bytes(407_080), bytes(4 << 20)], ["0.00 B", "397.54 KB", "4.00 MB"]);
    }

    #[test]
    fn long_cells_wrap_and_long_words_are_cut() {
        assert_eq!(
            wrap("batch_normalization (BatchNormalization)", 19),
            ["batch_normalization", "(BatchNormalizatio…"]
        );
        assert_eq!(wrap("user[0][0], item[0][0]", 17), ["user[0][0],", "item[0][0]"]);
    }
}
