//! A model as a table, as Keras prints it.

mod order;
mod table;

use std::fmt;

use self::order::Item;
use self::table::{Align, Table};
use super::{Architecture, Compiled, Model};
use crate::engine::{Body, Definition, Kind, Member, Network, Source, Variable};
use crate::plan::Spec;

/// Columns of a terminal of 80, without the margin that Keras leaves.
const LINE_LENGTH: usize = 76;

/// A model as a table: layers, shapes, parameters. Its `Display` is what Keras prints, and a line about memory.
///
/// ```
/// # extern crate keras_runtime as keras;
/// # use keras_macros::model;
/// # use keras::{Device, layers::Dense, model::Model};
/// model! { Net([8]) -> [2] = [Dense(4), Dense(2)] }
/// let model = Model::<Net>::new(Device::default());
/// println!("{}", model.summary().line_length(60).show_trainable(true));
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    name: String,
    chain: bool,
    rows: Vec<SummaryRow>,
    trainable: usize,
    frozen: usize,
    optimizer: Option<usize>,
    float: usize,
    memory: Option<(usize, usize)>,
    line_length: usize,
    expand_nested: bool,
    show_trainable: bool,
    range: Option<(String, String)>,
}

/// A layer in a [`Summary`], or a layer of a model inside.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryRow {
    /// How many models inside the model it lies in.
    pub level: usize,
    /// Its name.
    pub name: String,
    /// Its class.
    pub class: &'static str,
    /// Shapes of its outputs (those of its first call), batch first; `None` where data decides.
    pub shapes: Vec<Vec<Option<usize>>>,
    /// Numbers in all its variables.
    pub params: usize,
    /// What it is called on: `dense[0][0]` is a layer, which of its calls, which of the call's outputs. None for layers of
    /// models inside.
    pub connected_to: Vec<String>,
    /// Whether it is trained; `None` if it has no weights.
    pub trainable: Option<bool>,
}

impl Summary {
    /// Of a network. `memory` is how many floats a sample takes to predict and to train.
    pub fn new(network: &Network, memory: Option<(usize, usize)>) -> Summary {
        Summary::with_open_dims(network, network.definition(), memory)
    }

    /// As [`Summary::new`], for a model with dimensions that data decides: `other` is its structure for inputs of other sizes.
    /// Dimensions that differ are open.
    pub fn with_open_dims(network: &Network, other: &Definition, memory: Option<(usize, usize)>) -> Summary {
        let definition = network.definition();
        let mut rows = Vec::new();
        Rows { network, rows: &mut rows }.add(definition, other, &[], true);
        let size = |trained: bool| {
            let of = |v: &&Variable| (v.trainable && v.kind == Kind::Weight) == trained;
            network.variables().iter().filter(of).map(|v| v.size()).sum()
        };
        Summary {
            name: definition.name.clone(),
            chain: is_chain(definition),
            rows,
            trainable: size(true),
            frozen: size(false),
            optimizer: None,
            float: network.float().size(),
            memory,
            line_length: LINE_LENGTH,
            expand_nested: false,
            show_trainable: false,
            range: None,
        }
    }

    /// Columns that the table takes (default 76: a terminal of 80).
    #[must_use]
    pub fn line_length(mut self, columns: usize) -> Summary {
        self.line_length = columns;
        self
    }

    /// Whether the layers of models inside are listed (default false).
    #[must_use]
    pub fn expand_nested(mut self, expand: bool) -> Summary {
        self.expand_nested = expand;
        self
    }

    /// Whether a column says which layers are trained (default false).
    #[must_use]
    pub fn show_trainable(mut self, show: bool) -> Summary {
        self.show_trainable = show;
        self
    }

    /// Counts so many numbers of an optimizer, too.
    #[must_use]
    pub fn optimizer(mut self, numbers: usize) -> Summary {
        self.optimizer = Some(numbers);
        self
    }

    /// All layers, each followed by those inside it.
    pub fn rows(&self) -> &[SummaryRow] {
        &self.rows
    }

    /// Lists the layers from one to another alone, both included (default all). A name that is not there lists none.
    #[must_use]
    pub fn layer_range(mut self, from: &str, to: &str) -> Summary {
        self.range = Some((from.into(), to.into()));
        self
    }

    /// The rows that are listed.
    fn listed(&self) -> impl Iterator<Item = &SummaryRow> {
        let top = |name: &str| self.rows.iter().position(|row| row.level == 0 && row.name == name);
        let end = |at: usize| {
            let next = self.rows[at + 1..].iter().position(|row| row.level == 0);
            next.map_or(self.rows.len(), |next| at + 1 + next)
        };
        let range = match &self.range {
            None => 0..self.rows.len(),
            Some((from, to)) => match (top(from), top(to)) {
                (Some(from), Some(to)) => from.min(to)..end(from.max(to)),
                _ => 0..0,
            },
        };
        self.rows[range].iter().filter(|row| self.expand_nested || row.level == 0)
    }

    fn table(&self) -> Table {
        use Align::{Center, Left, Right};
        let mut columns = match self.chain {
            true => vec![("Layer (type)", Left, 0.45), ("Output Shape", Left, 0.8), ("Param #", Right, 1.0)],
            false => vec![
                ("Layer (type)", Left, 0.3),
                ("Output Shape", Left, 0.56),
                ("Param #", Right, 0.74),
                ("Connected to", Left, 1.0),
            ],
        };
        if self.show_trainable {
            columns.iter_mut().for_each(|column| column.2 *= 0.9);
            columns.push(("Trainable", Center, 1.0));
        }
        let mut table = Table::new(&columns, self.line_length);
        for row in self.listed() {
            let prefix = if row.level > 0 { "   ".repeat(row.level) + "└ " } else { String::new() };
            let name = format!("{prefix}{} ({})", row.name, row.class);
            let shapes: Vec<String> = row.shapes.iter().map(|dims| shape(dims)).collect();
            let shapes =
                if let [one] = &shapes[..] { one.clone() } else { format!("[{}]", shapes.join(", ")) };
            let mut cells = vec![name, shapes, grouped(row.params)];
            if !self.chain {
                let none = row.connected_to.is_empty();
                cells.push(if none { "-".into() } else { row.connected_to.join(", ") });
            }
            if self.show_trainable {
                let letter = |trainable| if trainable { "Y" } else { "N" };
                cells.push(row.trainable.map_or("-", letter).into());
            }
            table.row(cells);
        }
        table
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Model: \"{}\"", self.name)?;
        write!(f, "{}", self.table())?;
        let total = self.trainable + self.frozen + self.optimizer.unwrap_or(0);
        let counts =
            [("Total", total), ("Trainable", self.trainable), ("Non-trainable", self.frozen)].into_iter();
        for (what, n) in counts.chain(self.optimizer.map(|n| ("Optimizer", n))) {
            writeln!(f, " {what} params: {} ({})", grouped(n), bytes(n * self.float))?;
        }
        if let Some((predict, train)) = self.memory {
            let size = |n: usize| bytes(n * self.float);
            writeln!(f, " Memory per sample: {} to predict, {} to train", size(predict), size(train))?;
        }
        Ok(())
    }
}

impl<M: Architecture> Model<M> {
    /// The model as a table, as Keras prints it, with the memory that a sample takes: `println!("{}", model.summary())`.
    pub fn summary(&self) -> Summary {
        Summary::new(self.network(), Some((M::PEAK, M::TRAIN_PEAK)))
    }
}

impl<M: Architecture, L> Compiled<M, L> {
    /// As [`Model::summary`], with what the optimizer keeps once it has taken a step.
    pub fn summary(&self) -> Summary {
        use crate::training::TrainedModel;
        let mut summary = Model::summary(self);
        if self.optimizer().is_built() {
            let variables = self.optimizer().variables(self.network());
            summary.optimizer = Some(variables.iter().map(|variable| variable.values.len()).sum());
        }
        summary
    }
}

/// Rows of a model and of those inside it.
struct Rows<'a> {
    network: &'a Network,
    rows: &'a mut Vec<SummaryRow>,
}

impl Rows<'_> {
    fn add(&mut self, definition: &Definition, other: &Definition, path: &[String], trainable: bool) {
        let level = path.len();
        for item in order::items(definition) {
            match item {
                Item::Input(at) => {
                    let input = &definition.inputs[at];
                    self.rows.push(SummaryRow {
                        level,
                        name: input.name.clone(),
                        class: "InputLayer",
                        shapes: vec![open(&input.spec, &other.inputs[at].spec)],
                        params: 0,
                        connected_to: Vec::new(),
                        trainable: None,
                    });
                }
                // Keras lists operations (`x * 2`) of the model itself, and the layers of those inside.
                Item::Member(at) if level > 0 && definition.members[at].is_operation() => {}
                Item::Member(at) => self.member((definition, other), at, path, trainable),
            }
        }
    }

    fn member(
        &mut self,
        (definition, other): (&Definition, &Definition),
        at: usize,
        path: &[String],
        trainable: bool,
    ) {
        let member: &Member = &definition.members[at];
        let trainable = trainable && member.trainable;
        let mut path = path.to_vec();
        path.push(member.name.clone());
        let own = self.network.variables().iter().filter(|v| v.layer.starts_with(&path));
        let params: usize = own.map(Variable::size).sum();
        let nodes = || definition.nodes.iter().filter(|node| node.member == at);
        let outputs = |of: &Definition| {
            let first = of.nodes.iter().find(|node| node.member == at);
            first.map_or(vec![], |node| node.plan.outputs.as_slice().to_vec())
        };
        let shapes = outputs(definition).iter().zip(&outputs(other)).map(|(a, b)| open(a, b)).collect();
        let sources = nodes().flat_map(|node| &node.inputs);
        let names: Vec<String> = sources.map(|source| connection(definition, *source)).collect();
        let nested = path.len() > 1;
        self.rows.push(SummaryRow {
            level: path.len() - 1,
            name: member.name.clone(),
            class: member.class_name(),
            shapes,
            params,
            connected_to: if nested { Vec::new() } else { names },
            trainable: (params > 0).then_some(trainable),
        });
        // Keras does not look into wrappers.
        if let (Body::Model(inner), Body::Model(other)) = (&member.body, &other.members[at].body)
            && !inner.each_step
        {
            self.add(inner, other, &path, trainable);
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

/// The dimensions of a value, batch first; `None` where those of another binding differ.
fn open(spec: &Spec, other: &Spec) -> Vec<Option<usize>> {
    let (shape, other) = (spec.shape(), other.shape());
    let mut others = other.dims();
    let dims = shape.dims().map(|dim| Some(dim).filter(|_| others.next() == Some(dim)));
    spec.batched().then_some(None).into_iter().chain(dims).collect()
}

/// `(None, 28, 28)`.
fn shape(dims: &[Option<usize>]) -> String {
    let dims: Vec<String> = dims.iter().map(|dim| dim.map_or("None".into(), |dim| dim.to_string())).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_read_as_keras_writes_them() {
        assert_eq!([grouped(0), grouped(512), grouped(101_770)], ["0", "512", "101,770"]);
        assert_eq!([bytes(0), bytes(407_080), bytes(4 << 20)], ["0.00 B", "397.54 KB", "4.00 MB"]);
    }
}
