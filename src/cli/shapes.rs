//! Shapes for a model whose dimensions data decides, where there are no data.

use clap::Args;
use keras::DType;
use keras::Error;
use keras::engine::{Definition, Network};
use keras::graph::{LoadedModel, Slot};
use keras::plan::Spec;

use super::failure::{Failure, Outcome};

/// Sizes that stand for open dimensions, tried one after the other: a layer may not take small ones. Two bindings tell which
/// dimensions of other values are open.
const PROBES: [usize; 6] = [32, 64, 128, 256, 8, 1];

/// Shapes of the inputs.
#[derive(Args, Clone, Debug, Default)]
pub struct InputShapes {
    /// Shape of a sample, where the model leaves it open: 28x28x1, or NAME=28x28x1 for one of several inputs
    #[arg(long, value_name = "SHAPE")]
    pub input_shape: Vec<String>,
}

impl InputShapes {
    /// Binds the model to the shapes that were given, or to sizes that it can take; tells its structure for other sizes, where
    /// there are any.
    pub fn bind(&self, model: &mut LoadedModel) -> Outcome<Option<Definition>> {
        let slots = self.slots(model)?;
        let known: Option<Vec<Spec>> = slots.iter().map(Slot::spec).collect();
        if let Some(specs) = known {
            model.bind(&specs)?;
            return Ok(None);
        }
        let specs = |probe: usize| -> keras::Result<Vec<Spec>> {
            let dims = |slot: &Slot| slot.dims.iter().map(|dim| dim.unwrap_or(probe)).collect::<Vec<_>>();
            slots.iter().map(|slot| slot.bind(&dims(slot))).collect()
        };
        let mut first = None;
        let mut bound = false;
        for probe in PROBES {
            let result = specs(probe).and_then(|specs| match bound {
                false => model.bind(&specs).map(|()| None),
                true => model.blueprint().bind(&specs).map(Some),
            });
            match result {
                Ok(None) => bound = true,
                Ok(other) => return Ok(other),
                Err(error) => first = first.or(Some(error)),
            }
        }
        match first {
            Some(error) if !bound => Err(error.into()),
            _ => Ok(None),
        }
    }

    /// The inputs with the dimensions that were given.
    pub fn slots(&self, model: &LoadedModel) -> Outcome<Vec<Slot>> {
        let mut slots = model.blueprint().inputs.clone();
        let mut given = Vec::new();
        for text in &self.input_shape {
            let (name, dims) = text.split_once('=').map_or((None, text.as_str()), |(n, d)| (Some(n), d));
            let dims: Result<Vec<usize>, _> =
                dims.split(['x', ',']).map(|d| d.trim().parse::<usize>()).collect();
            let wrong = || Failure::usage(format!("--input-shape {text}: expected numbers such as 28x28x1"));
            given.push((name, dims.ok().filter(|dims| dims.iter().all(|d| *d > 0)).ok_or_else(wrong)?));
        }
        if slots.is_empty() {
            // A list of layers that was never built takes what it gets.
            let [(_, dims)] = &given[..] else {
                let message = "the model was never built, so its shapes are not known: give one with --input-shape 28x28x1";
                return Err(Error::Data(message.into()).into());
            };
            let dims = dims.iter().copied().map(Some).collect();
            return Ok(vec![Slot { name: "input_layer".into(), dims, dtype: DType::F32 }]);
        }
        for (name, dims) in given {
            let names = slots.iter().map(|s| s.name.clone()).collect::<Vec<_>>().join("`, `");
            let slot = match name {
                None if slots.len() == 1 => slots.first_mut(),
                None => None,
                Some(name) => slots.iter_mut().find(|slot| slot.name == name),
            };
            let Some(slot) = slot else {
                let message = format!(
                    "--input-shape: expected NAME=SHAPE with the name of an input: these are `{names}`"
                );
                return Err(Failure::usage(message));
            };
            slot.bind(&dims)?;
            slot.dims = dims.into_iter().map(Some).collect();
        }
        Ok(slots)
    }
}

/// The network of a model that is bound.
pub fn network(model: &LoadedModel) -> Outcome<&Network> {
    model.network().ok_or_else(|| Error::Data("the model has no shapes yet".into()).into())
}
