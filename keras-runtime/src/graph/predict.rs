//! Predicting with models that were made at run time: the same walk over prepared calls as that of a model in source.

use keras_kernels::{DType, Device, Shape, View};

use super::LoadedModel;
use super::training::port;
use crate::engine::Input;
use crate::model::Port;
use crate::saving::Array;
use crate::training::predict::{BATCH, Predictor, Watched, bind};
use crate::training::{Interpreted, PredictOptions, install};
use crate::{Error, Result};

/// Inputs whose ports lie on the stack.
const PORTS: usize = 8;

impl LoadedModel {
    /// Predicts, 32 samples at a time: one array for each input, batch first; one array for each output.
    ///
    /// # Errors
    /// If the data does not fit.
    pub fn predict(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        self.predict_in_batches(inputs, BATCH)
    }

    /// As [`LoadedModel::predict`], so many samples at once.
    ///
    /// # Errors
    /// If the data does not fit.
    pub fn predict_in_batches(&mut self, inputs: &[Array], batch: usize) -> Result<Vec<Array>> {
        let mut made = None;
        let data = self.samples(inputs, &[], &mut made)?;
        let mut outputs = self.room(data.len())?;
        self.run(&data.x, batch.max(1), &mut outputs)?;
        Ok(outputs)
    }

    /// As [`LoadedModel::predict`], into arrays that are there, such as those of an earlier prediction for as many samples. Allocates
    /// nothing once a number of samples was seen, if the inputs have the model's own types (32-bit floats, unless it was made
    /// for others) and are eight at most.
    ///
    /// ```
    /// use keras_runtime::graph::Sequential;
    /// use keras_runtime::layers::Dense;
    /// use keras_runtime::saving::Array;
    /// use keras_runtime::{DType, Device};
    ///
    /// let mut model = Sequential::new([3]).add(Dense::new(2)).build(Device::default())?;
    /// let x = [Array::of(vec![1, 3], DType::F32, &[1.0, 2.0, 3.0])];
    /// let mut y = [Array::zeros(vec![1, 2], DType::F32)];
    /// model.predict_into(&x, &mut y)?;
    /// assert_eq!(y.to_vec(), model.predict(&x)?);
    /// # Ok::<(), keras_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the data does not fit, or an output has not the shape and type of what is predicted.
    pub fn predict_into(&mut self, inputs: &[Array], outputs: &mut [Array]) -> Result<()> {
        if inputs.len() > PORTS || !self.reads(inputs) {
            let mut made = None;
            let data = self.samples(inputs, &[], &mut made)?;
            return self.run(&data.x, BATCH, outputs);
        }
        let samples = inputs[0].shape[0];
        if let [input] = inputs {
            return self.run(&[port(input, samples)?], BATCH, outputs);
        }
        let mut ports = [port(&inputs[0], samples)?; PORTS];
        for (place, array) in ports.iter_mut().zip(inputs) {
            *place = port(array, samples)?;
        }
        self.run(&ports[..inputs.len()], BATCH, outputs)
    }

    /// As [`LoadedModel::predict`], with a batch size, a progress bar, callbacks.
    ///
    /// # Errors
    /// If the data or options do not fit, or a callback fails.
    pub fn predict_with(&mut self, inputs: &[Array], options: PredictOptions<'_>) -> Result<Vec<Array>> {
        let mut made = None;
        let data = self.samples(inputs, &[], &mut made)?;
        let mut watched = Watched::new(options, Some(data.len()))?;
        let mut outputs = self.room(watched.samples(data.len()))?;
        let done = self.with_predictor(usize::MAX, |with| {
            watched.begin(with.network)?;
            let done = watched.predict(with, &data.x, &mut taking(&mut outputs))?;
            watched.end(with.network)?;
            Ok(done)
        })?;
        // A callback may have ended it.
        outputs.iter_mut().for_each(|output| output.truncate(done));
        Ok(outputs)
    }

    /// Whether the model reads the numbers of these arrays as they are, and takes their shapes.
    pub(super) fn reads(&self, inputs: &[Array]) -> bool {
        let Some(network) = &self.network else { return false };
        let samples = inputs.first().and_then(|array| array.shape.first());
        let slots = &self.blueprint.inputs;
        let fits = |(at, (array, input)): (usize, (&Array, &Input))| match array.shape.split_first() {
            Some((n, dims)) => {
                // Most often the shapes are those of the last time.
                let takes = || slots.get(at).is_some_and(|slot| slot.bind(dims).is_ok());
                Some(n) == samples
                    && (same(input.spec.shape(), dims) || takes())
                    && array.is_ready(self.real(input.spec.dtype()))
            }
            None => false,
        };
        let expected = &network.definition().inputs;
        inputs.len() == expected.len() && inputs.iter().zip(expected).enumerate().all(fits)
    }

    /// The type of numbers that specs call the float type.
    pub(super) fn real(&self, dtype: DType) -> DType {
        if dtype == DType::F32 { self.blueprint.float } else { dtype }
    }

    /// Arrays for the outputs of so many samples of the shapes that the model is bound to.
    fn room(&self, samples: usize) -> Result<Vec<Array>> {
        let definition = self.network.as_ref().ok_or_else(unbound)?.definition();
        let outputs = definition.outputs.iter().map(|output| {
            let spec = definition.spec_of(output.source);
            Array::zeros(spec.shape_for(samples).to_vec(), self.real(spec.dtype()))
        });
        Ok(outputs.collect())
    }

    /// Refuses arrays that are not as [`LoadedModel::room`] makes them.
    fn check_room(&self, outputs: &[Array], samples: usize) -> Result<()> {
        let definition = self.network.as_ref().ok_or_else(unbound)?.definition();
        if outputs.len() != definition.outputs.len() {
            let (expected, found) = (definition.outputs.len(), outputs.len());
            return Err(Error::Data(format!("the model has {expected} outputs, there is room for {found}")));
        }
        for (output, array) in definition.outputs.iter().zip(outputs) {
            let spec = definition.spec_of(output.source);
            let (shape, dtype) = (spec.shape_for(samples), self.real(spec.dtype()));
            if !same(shape, &array.shape) || array.stored != dtype.into() || array.len() != shape.size() {
                return Err(Error::Data(format!(
                    "output `{}` has shape {shape} of {dtype} for {samples} samples, there is room for {:?} of {:?}",
                    output.name, array.shape, array.stored
                )));
            }
        }
        Ok(())
    }

    fn run(&mut self, x: &[Port<'_>], batch: usize, outputs: &mut [Array]) -> Result<()> {
        let network = self.network.as_mut().ok_or_else(unbound)?;
        bind(network, x)?;
        let operations = network.operations(x[0].len.min(batch));
        self.check_room(outputs, x[0].len)?;
        self.with_predictor(operations, |with| with.predict(x, batch, &mut taking(outputs)))
    }

    fn with_predictor<T: Send>(
        &mut self,
        operations: usize,
        work: impl FnOnce(&mut Predictor<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        let LoadedModel { network, staging, .. } = self;
        let network = network.as_mut().ok_or_else(unbound)?;
        let device = network.device().clone();
        install(&device, operations, || work(&mut Predictor { network, walk: &Interpreted, staging }))
    }
}

/// Puts each batch of each output where it belongs.
fn taking(outputs: &mut [Array]) -> impl FnMut(usize, usize, View, &Device) + Send + '_ {
    |at, first, view, device| outputs[at].download_at(first, device, view)
}

fn same(shape: Shape, dims: &[usize]) -> bool {
    shape.dims().eq(dims.iter().copied())
}

pub(super) fn unbound() -> Error {
    Error::Argument("the model is not bound".into())
}
