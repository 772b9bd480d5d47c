//! Predictions of one shape, checked and placed beforehand.

use keras_kernels::{DType, Element, View};

use super::LoadedModel;
use super::predict::unbound;
use crate::engine::{Network, walk_forward};
use crate::saving::Array;
use crate::training::install;
use crate::{Error, Result};

/// A model's prediction for inputs of certain shapes: what can be checked and placed beforehand was, so that a call is the copies of
/// its inputs, the walk over the layers, and the copies of its outputs. Nothing in it allocates.
///
/// Made by [`LoadedModel::make_predict_function`].
pub struct PredictFunction<'m> {
    network: &'m mut Network,
    /// Number of the program that is placed for these shapes.
    program: usize,
    operations: usize,
}

impl LoadedModel {
    /// The prediction for inputs of these shapes, batch first (as Keras' `make_predict_function`, for one batch): for programs that predict
    /// the same shape again and again, such as servers. It is faster than [`LoadedModel::predict_into`] by the checks of shapes, which
    /// tells with small models.
    ///
    /// ```
    /// use keras_runtime::graph::Sequential;
    /// use keras_runtime::layers::Dense;
    /// use keras_runtime::Device;
    ///
    /// let mut model = Sequential::new([3]).add(Dense::new(2)).build(Device::default())?;
    /// let mut predict = model.make_predict_function(&[&[1, 3]])?;
    /// let mut y = [0f32; 2];
    /// for x in [[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]] {
    ///     predict.set_input(0, &x)?;
    ///     predict.run()?;
    ///     predict.output(0, &mut y)?;
    /// }
    /// # Ok::<(), keras_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the model does not take these shapes, or the device has too little memory.
    pub fn make_predict_function(&mut self, inputs: &[&[usize]]) -> Result<PredictFunction<'_>> {
        let samples = inputs.first().and_then(|shape| shape.first()).copied().unwrap_or(0);
        if samples == 0 || inputs.iter().any(|shape| shape.first() != Some(&samples)) {
            let message = format!("shapes have a batch in front, the same for all inputs, found {inputs:?}");
            return Err(Error::Data(message));
        }
        let slots = &self.blueprint.inputs;
        let zeros = inputs.iter().enumerate().map(|(at, shape)| {
            Array::zeros(shape.to_vec(), self.real(slots.get(at).map_or(DType::F32, |slot| slot.dtype)))
        });
        let zeros: Vec<Array> = zeros.collect();
        self.predict_in_batches(&zeros, samples)?;
        let network = self.network.as_mut().ok_or_else(unbound)?;
        let program = network.prepare(samples, false)?;
        let operations = network.operations(samples);
        Ok(PredictFunction { network, program, operations })
    }
}

impl PredictFunction<'_> {
    /// Copies the numbers of an input, in the order of rows: floats of the model's type, or integers where the input takes those.
    ///
    /// # Errors
    /// If there is no such input, or it has another type or number of elements.
    pub fn set_input<T: Element>(&mut self, at: usize, values: &[T]) -> Result<()> {
        let view = place::<T>("input", &self.network.program(self.program).inputs, at, values.len())?;
        // SAFETY: numbers without padding, as bytes.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) };
        self.network.device().upload(bytes, view);
        Ok(())
    }

    /// Computes the outputs.
    ///
    /// # Errors
    /// If the device cannot.
    pub fn run(&mut self) -> Result<()> {
        let PredictFunction { network, program, operations } = self;
        let device = network.device().clone();
        install(&device, *operations, || {
            network.forward(*program, false, walk_forward);
            Ok(())
        })
    }

    /// Copies an output of the last run.
    ///
    /// # Errors
    /// If there is no such output, or it has another type or number of elements.
    pub fn output<T: Element>(&self, at: usize, values: &mut [T]) -> Result<()> {
        let view = place::<T>("output", &self.network.program(self.program).outputs, at, values.len())?;
        // SAFETY: as in `set_input`; every pattern of bits that a device holds is a number of its type.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) };
        self.network.device().download(view, bytes);
        Ok(())
    }
}

/// The view of a port that has so many elements of this type.
fn place<T: Element>(what: &str, views: &[View], at: usize, len: usize) -> Result<View> {
    let count = views.len();
    let view = *views.get(at).ok_or_else(|| {
        Error::Data(format!("there is no {what} {at}: the model has {count}, counted from 0"))
    })?;
    let dtype = if view.dtype() == DType::Bool { DType::U8 } else { view.dtype() };
    if dtype != T::DTYPE || view.size() != len {
        return Err(Error::Data(format!(
            "{what} {at} has {} elements of {} ({}), {len} of {} were given",
            view.size(),
            view.dtype(),
            view.shape(),
            T::DTYPE
        )));
    }
    Ok(view)
}
