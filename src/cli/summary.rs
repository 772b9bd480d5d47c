//! `keras summary`.

use std::path::PathBuf;

use clap::Args;
use keras::engine::{Definition, Kind, Network};
use keras::graph::load_model;
use keras::{Error, Result};

/// Describe a model.
#[derive(Args)]
pub struct Summary {
    /// The model, a .keras file
    model: PathBuf,
}

impl Summary {
    pub fn run(&self) -> Result<()> {
        let model = load_model(&self.model)?;
        let Some(network) = model.network() else {
            return Err(Error::file(
                &self.model,
                "its shapes depend on the data: there is nothing to sum up",
            ));
        };
        print!("{}", table(network.definition(), network));
        Ok(())
    }
}

/// Layers with the shapes of their outputs and their parameters, as Keras lists them.
fn table(definition: &Definition, network: &Network) -> String {
    let mut rows = vec![["Layer (type)".to_string(), "Output Shape".into(), "Param #".into()]];
    for input in &definition.inputs {
        rows.push([format!("{} (InputLayer)", input.name), shape(&input.spec), "0".into()]);
    }
    for (at, member) in definition.members.iter().enumerate() {
        let output = definition.nodes.iter().find(|node| node.member == at);
        let output = output.and_then(|node| node.plan.outputs.as_slice().first());
        let own = network.variables().iter().filter(|v| v.layer.first() == Some(&member.name));
        let params: usize = own.map(|v| v.size()).sum();
        let title = format!("{} ({})", member.name, member.class_name());
        rows.push([title, output.map_or("-".into(), shape), params.to_string()]);
    }
    let mut widths = [0; 3];
    for row in &rows {
        widths.iter_mut().zip(row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    let mut out = format!("Model: \"{}\"\n", definition.name);
    for (at, row) in rows.iter().enumerate() {
        let [a, b, c] = widths;
        out.push_str(&format!("{:a$}  {:b$}  {:>c$}\n", row[0], row[1], row[2]));
        if at == 0 {
            out.push_str(&format!("{}\n", "-".repeat(a + b + c + 4)));
        }
    }
    let count = |trained: bool| -> usize {
        let of = |v: &&keras::engine::Variable| (v.trainable && v.kind == Kind::Weight) == trained;
        network.variables().iter().filter(of).map(|v| v.size()).sum()
    };
    let (trained, rest) = (count(true), count(false));
    out.push_str(&format!("Total params: {}\n", trained + rest));
    out.push_str(&format!("Trainable params: {trained}\n"));
    out.push_str(&format!("Non-trainable params: {rest}\n"));
    out
}

/// `(None, 10)`.
fn shape(spec: &keras::plan::Spec) -> String {
    let batch = spec.batched().then(|| "None".to_string());
    let dims: Vec<String> = batch.into_iter().chain(spec.shape().dims().map(|d| d.to_string())).collect();
    format!("({})", dims.join(", "))
}
