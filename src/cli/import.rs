//! `keras import`.

use clap::Args;
use keras::engine::{Body, Definition};
use keras::plan::Spec;
use keras::{DType, Error};
use keras_macros_core::import::{self, Shape, Shapes};

use super::common::{Common, ModelArgs, print};
use super::failure::{Failure, Outcome};
use super::shapes::InputShapes;

/// Print a model as Rust source: the text of `model!`
///
/// The text compiles, takes the file's weights (`Model::<Net>::load`), and predicts the same. Options at their defaults are left
/// out; models inside the model are models of their own.
#[derive(Args)]
#[command(after_help = "\
Examples:
  keras import net.keras
  keras import net.keras --name Classifier > src/classifier.rs
  keras import sequence.keras --input-shape 10x5")]
pub struct Import {
    #[command(flatten)]
    model: ModelArgs,
    /// What the model is called
    #[arg(long, default_value = "Net")]
    name: String,
    #[command(flatten)]
    shapes: InputShapes,
}

impl Import {
    pub fn run(&self, common: &Common) -> Outcome {
        if !import::is_type_name(&self.name) {
            let message = format!("--name {}: a model's name is in upper camel case, such as Net", self.name);
            return Err(Failure::usage(message));
        }
        let wrong = |message: String| Error::file(&self.model.model, message);
        let saved = self.model.read()?;
        let model = import::read(&saved.config).map_err(wrong)?;
        let loaded = self.model.build(saved, common)?;
        let slots = self.shapes.slots(&loaded)?;
        if let Some(slot) = slots.iter().find(|slot| slot.dims.contains(&None)) {
            let message = format!(
                "the shape of the input `{}`, {}, depends on the data, and in source it is fixed: give one with --input-shape",
                slot.name,
                slot.describe()
            );
            return Err(wrong(message).into());
        }
        let dims = |slot: &keras::graph::Slot| slot.dims.iter().flatten().copied().collect::<Vec<usize>>();
        let specs: Vec<Spec> =
            slots.iter().map(|slot| slot.bind(&dims(slot))).collect::<keras::Result<_>>()?;
        // The layers' own rules say what the models yield.
        let known = shapes(&loaded.blueprint().bind(&specs)?);
        let inputs: Vec<Shape> = slots
            .iter()
            .enumerate()
            .map(|(at, slot)| {
                let dtype = model.inputs.get(at).and_then(|input| input.shape.dtype);
                Shape { dims: slot.dims.clone(), dtype }
            })
            .collect();
        let file = self.model.model.file_name().unwrap_or_default().to_string_lossy();
        let text = model.text(&self.name, &file, &inputs, Some(&known)).map_err(wrong)?;
        print(&format!("use keras::prelude::*;\n\n{text}"))
    }
}

/// What a model and those inside it yield.
fn shapes(definition: &Definition) -> Shapes {
    let outputs = definition.outputs.iter().map(|output| shape(&definition.spec_of(output.source)));
    let models = definition.members.iter().filter_map(|member| match &member.body {
        Body::Model(model) => Some((member.name.clone(), shapes(model))),
        Body::Layer(_) => None,
    });
    Shapes { outputs: outputs.collect(), models: models.collect() }
}

fn shape(spec: &Spec) -> Shape {
    let dtype = match spec.dtype() {
        DType::F64 => Some("f64"),
        DType::I32 => Some("i32"),
        DType::I64 => Some("i64"),
        DType::U8 => Some("u8"),
        _ => None,
    };
    Shape { dims: spec.shape().dims().map(Some).collect(), dtype }
}
