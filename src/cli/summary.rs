//! `keras summary`.

use clap::Args;
use keras::engine::Kind;
use keras::graph::LoadedModel;
use keras::model::Summary as Table;
use serde_json::{Value, json};

use super::common::{Common, ModelArgs, print, print_json};
use super::failure::Outcome;
use super::shapes::{InputShapes, network};

/// Describe a model: layers, shapes, parameters, memory
///
/// Prints the table that `model.summary()` prints in Keras, with the memory that a sample takes to predict and to train, and
/// the model's inputs and outputs. Sizes of the memory are those of values; weights, their gradients and the optimizer's
/// numbers come once, for any batch size. Dimensions that the data decide are `None`; memory is then that for sizes of 32.
#[derive(Args)]
#[command(after_help = "\
Examples:
  keras summary net.keras
  keras summary net.keras --expand-nested --show-trainable
  keras summary net.keras --json | jq '.layers[] | select(.params > 10000) | .name'
  keras summary unet.json --input-shape 256x256x3")]
pub struct Summary {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    shapes: InputShapes,
    /// Print the layers of models inside the model, too
    #[arg(long)]
    expand_nested: bool,
    /// Print whether each layer is trained
    #[arg(long)]
    show_trainable: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Summary {
    pub fn run(&self, common: &Common) -> Outcome {
        let saved = self.model.read()?;
        let optimizer = saved.weights.optimizer().map_or(0, |all| all.iter().map(|array| array.len()).sum());
        let mut model = self.model.build(saved, common)?;
        let other = self.shapes.bind(&mut model)?;
        let bound = network(&model)?;
        // Two batch sizes tell what a sample takes.
        let floats = |training: bool| {
            let of = |batch: usize| bound.arena_bytes(batch, training);
            (of(65) - of(1)).div_ceil(64).div_ceil(bound.float().size())
        };
        let memory = (floats(false), floats(true));
        let table = Table::with_open_dims(bound, other.as_ref().unwrap_or(bound.definition()), Some(memory))
            .expand_nested(self.expand_nested)
            .show_trainable(self.show_trainable);
        let table = if optimizer > 0 { table.optimizer(optimizer) } else { table };
        if self.json {
            return print_json(&description(&model, &table, optimizer, memory)?);
        }
        print(&format!("{table}{}", ends(&model)))
    }
}

/// Inputs and outputs, a line each.
fn ends(model: &LoadedModel) -> String {
    let inputs = model
        .blueprint()
        .inputs
        .iter()
        .map(|slot| format!(" Input `{}`: {} {}\n", slot.name, slot.describe(), slot.dtype));
    let outputs = model.output_names().into_iter().map(|name| format!(" Output `{name}`\n"));
    inputs.chain(outputs).collect()
}

fn description(
    model: &LoadedModel,
    table: &Table,
    optimizer: usize,
    (predict, train): (usize, usize),
) -> Outcome<Value> {
    let network = network(model)?;
    let inputs = model.blueprint().inputs.iter().map(|slot| {
        let dims = std::iter::once(None).chain(slot.dims.iter().copied());
        json!({"name": slot.name, "shape": dims.collect::<Vec<_>>(), "dtype": slot.dtype.name()})
    });
    let layers = table.rows().iter().map(|row| {
        json!({
            "name": row.name, "class_name": row.class, "level": row.level, "output_shapes": row.shapes,
            "params": row.params, "inputs": row.connected_to, "trainable": row.trainable,
        })
    });
    let count = |trained: bool| -> usize {
        let of = |v: &&keras::engine::Variable| (v.trainable && v.kind == Kind::Weight) == trained;
        network.variables().iter().filter(of).map(|v| v.size()).sum()
    };
    Ok(json!({
        "name": network.definition().name,
        "class_name": if network.definition().sequential { "Sequential" } else { "Functional" },
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": model.output_names(),
        "layers": layers.collect::<Vec<_>>(),
        "trainable_params": count(true),
        "non_trainable_params": count(false),
        "optimizer_params": optimizer,
        "total_params": count(true) + count(false) + optimizer,
        "bytes_per_sample": {"predict": predict * network.float().size(), "train": train * network.float().size()},
    }))
}
