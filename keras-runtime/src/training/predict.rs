//! Predicting: a network forward, batch after batch.

use keras_kernels::{Device, View};

use super::data::{Pick, fill};
use super::trainer::Walk;
use crate::engine::Network;
use crate::model::Port;
use crate::{Error, Result};

/// Refuses inputs that do not fit the model.
pub(crate) fn check_inputs(network: &Network, x: &[Port<'_>]) -> Result<()> {
    let inputs = &network.definition().inputs;
    if x.len() != inputs.len() {
        return Err(Error::Data(format!("the model has {} inputs, {} were given", inputs.len(), x.len())));
    }
    for (input, port) in inputs.iter().zip(x) {
        let (expected, found) = (input.spec.shape(), port.shape);
        if !expected.same(&found) {
            return Err(Error::Data(format!("input `{}` has shape {expected}, found {found}", input.name)));
        }
        if port.dtype.is_float() && !input.spec.dtype().is_float() {
            let (expected, found) = (input.spec.dtype(), port.dtype);
            return Err(Error::Data(format!("input `{}` takes {expected}, found {found}", input.name)));
        }
    }
    let n = x[0].len;
    match x.iter().find(|p| p.len != n) {
        Some(port) => Err(Error::Data(format!(
            "all inputs must have the same number of samples: the first has {n}, another {}",
            port.len
        ))),
        None => Ok(()),
    }
}

/// Predicts all samples, `batch` at a time; `take(output, first sample, where it lies, device)` takes each batch of each
/// output. Allocates only the first time a batch size is seen.
pub(crate) fn predict(
    network: &mut Network,
    walk: &dyn Walk,
    x: &[Port<'_>],
    batch: usize,
    staging: &mut Vec<u8>,
    take: &mut (dyn FnMut(usize, usize, View, &Device) + Send),
) -> Result<()> {
    check_inputs(network, x)?;
    if batch == 0 {
        return Err(Error::Argument("`batch_size` must be at least 1".into()));
    }
    let n = x[0].len;
    let mut from = 0;
    while from < n {
        let size = batch.min(n - from);
        let at = network.prepare(size, false)?;
        for (port, view) in x.iter().zip(&network.program(at).inputs) {
            fill(network.device(), port, Pick::Run(from, size), *view, staging);
        }
        network.forward(at, false, |run| walk.forward(run));
        for (i, view) in network.program(at).outputs.iter().enumerate() {
            take(i, from, *view, network.device());
        }
        from += size;
    }
    Ok(())
}
