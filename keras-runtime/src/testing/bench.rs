//! One call of a layer in rooms of its own.

use keras_kernels::{DType, Device, Grad, Mode, Shape, View};

use super::LayerCheck;
use super::room::{Room, integers, numbers, upload_integers};
use crate::initializers::{download, upload};
use crate::layer::{Call, Context, Layer};
use crate::plan::{Plan, Spec};

/// What the inputs are filled with.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fill {
    /// Numbers of the check's range, integers below its bound.
    Numbers,
    /// Not numbers, and integers far outside of any bound.
    Wild(f64),
}

/// How a call is made.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub inputs: &'a [Spec],
    pub batch: usize,
    pub float: DType,
    pub training: bool,
    pub fill: Fill,
}

/// A call with rooms of its own.
pub(super) struct Bench<'a> {
    device: Device,
    layer: &'a dyn Layer,
    training: bool,
    rooms: Vec<(String, Room)>,
    pub call: Call,
    state: Vec<Vec<f64>>,
    /// Factors of the outputs in the sum whose gradient is checked.
    pub factors: Vec<Vec<f64>>,
}

impl<'a> Bench<'a> {
    pub fn new<L: Layer + 'static>(check: &'a LayerCheck<L>, plan: &Plan, with: Setting<'_>) -> Bench<'a> {
        let device = Device::cpu();
        let Setting { batch, float, .. } = with;
        let mut rooms = Vec::new();
        let real = |spec: &Spec| if spec.dtype() == DType::F32 { float } else { spec.dtype() };
        let mut room = |name: String, shape: Shape, dtype: DType, fill: f64| {
            let room = Room::new(shape, dtype, fill);
            let view = room.view;
            rooms.push((name, room));
            view
        };
        let (low, high) = check.range;
        let scaled = |n, seed| -> Vec<f64> {
            numbers(n, seed).into_iter().map(|v| (low + high) / 2.0 + v * (high - low) / 2.0).collect()
        };
        let mut call = Call { id: 7, trainable: check.trainable, ..Call::default() };
        for (i, spec) in with.inputs.iter().enumerate() {
            let view = room(format!("input {i}"), spec.shape_for(batch), real(spec), 0.0);
            match (with.fill, view.dtype().is_float()) {
                (Fill::Numbers, true) => upload(&device, &scaled(view.size(), 11 + i as u64), view),
                (Fill::Numbers, false) => {
                    upload_integers(&device, integers(view.size(), check.integers_below), view);
                }
                (Fill::Wild(number), true) => upload(&device, &vec![number; view.size()], view),
                (Fill::Wild(number), false) => {
                    let far = if number > 0.0 { i64::from(i32::MAX) } else { -1 };
                    upload_integers(&device, (0..view.size()).map(|_| far), view);
                }
            }
            call.inputs.push(view);
            let mask = check.mask.as_ref().filter(|_| i == 0).map(|(shape, mask)| {
                let view = room("mask".into(), shape.insert(0, batch), DType::Bool, 0.0);
                let bytes: Vec<u8> = mask.iter().cycle().take(view.size()).copied().collect();
                device.upload(&bytes, view);
                view
            });
            call.input_masks.push(mask);
            let grad = view
                .dtype()
                .is_float()
                .then(|| room(format!("gradient of input {i}"), view.shape(), float, f64::NAN));
            call.input_grads.push(grad.map(Grad::write));
        }
        for (i, weight) in plan.weights.as_slice().iter().enumerate() {
            let view = room(weight.name.into(), weight.shape, float, 0.0);
            upload(&device, &scaled(view.size(), 23 + i as u64), view);
            call.weights.push(view);
            let grad = room(format!("gradient of {}", weight.name), weight.shape, float, f64::NAN);
            call.weight_grads.push(check.trainable.then_some(Grad::write(grad)));
        }
        let mut state = Vec::new();
        for (i, spec) in plan.state.as_slice().iter().enumerate() {
            let view = room(spec.name.into(), spec.shape, float, 0.0);
            // Positive, as variances are.
            let values: Vec<f64> =
                numbers(view.size(), 31 + i as u64).iter().map(|v| 1.5 + 0.5 * v).collect();
            upload(&device, &values, view);
            call.state.push(view);
            state.push(values);
        }
        let mut factors = Vec::new();
        for (i, spec) in plan.outputs.as_slice().iter().enumerate() {
            let view = room(format!("output {i}"), spec.shape_for(batch), real(spec), f64::NAN);
            call.outputs.push(view);
            let grad = room(format!("gradient of output {i}"), view.shape(), float, 0.0);
            factors.push(numbers(view.size(), 41 + i as u64));
            upload(&device, &factors[i], grad);
            call.output_grads.push(grad);
        }
        if let Some(shape) = plan.mask.written(&call.input_masks) {
            call.output_mask = Some(room("output mask".into(), shape.insert(0, batch), DType::Bool, 0.0));
        }
        let mut buffers = |name: &str, specs: &[Spec]| -> Vec<View> {
            specs.iter().map(|s| room(name.into(), s.shape_for(batch), real(s), f64::NAN)).collect()
        };
        call.saved = buffers("saved", plan.saved.as_slice());
        call.scratch = buffers("scratch", plan.scratch.as_slice());
        call.backward_scratch = buffers("backward scratch", plan.backward_scratch.as_slice());
        call.packed = buffers("packed", plan.packed.as_slice());
        let layer: &dyn Layer = &*check.layer;
        let call = call.placed(layer);
        Bench { device, layer, training: with.training, rooms, call, state, factors }
    }

    fn context(&self) -> Context<'_> {
        Context { device: &self.device, training: self.training, seed: 5, step: 3 }
    }

    pub fn forward(&self) {
        for (values, view) in self.state.iter().zip(&self.call.state) {
            upload(&self.device, values, *view);
        }
        let cx = self.context();
        if !self.call.packed.is_empty() {
            self.layer.pack(&cx, &self.call);
        }
        self.layer.forward(&cx, &self.call);
    }

    pub fn backward(&self) {
        self.layer.backward(&self.context(), &self.call);
    }

    /// Backward of the same buffers with another mode, or without some gradients.
    pub fn backward_of(&self, call: Call) {
        for (factors, grad) in self.factors.iter().zip(&call.output_grads) {
            upload(&self.device, factors, *grad);
        }
        let call = call.placed(self.layer);
        self.layer.backward(&self.context(), &call);
    }

    pub fn read(&self, views: &[View]) -> Vec<Vec<f64>> {
        let floats = views.iter().map(|v| match v.dtype().is_float() {
            true => self.numbers(*v),
            false => vec![0.0; v.size()],
        });
        floats.collect()
    }

    /// The numbers of a view of floats.
    pub fn numbers(&self, view: View) -> Vec<f64> {
        download(&self.device, view)
    }

    /// Sets a view of floats.
    pub fn set(&self, view: View, values: &[f64]) {
        upload(&self.device, values, view);
    }

    /// Copies numbers of any type.
    pub fn copy(&self, from: View, to: View) {
        let mut bytes = vec![0; from.size() * from.dtype().size()];
        self.device.download(from, &mut bytes);
        self.device.upload(&bytes, to);
    }

    pub fn fill(&self, view: View, value: f64) {
        self.device.fill(value, view);
    }

    /// The sum whose gradient is checked.
    pub fn sum(&self) -> f64 {
        self.forward();
        let outputs = self.read(&self.call.outputs);
        outputs.iter().zip(&self.factors).flat_map(|(y, f)| y.iter().zip(f)).map(|(y, f)| y * f).sum()
    }

    /// The call with gradients in another mode.
    pub fn call_with_mode(&self, mode: Mode) -> Call {
        let with = |g: &Option<Grad>| g.map(|g| Grad { view: g.view, mode });
        let mut call = self.call.buffers();
        call.input_grads = call.input_grads.iter().map(with).collect();
        call.weight_grads = call.weight_grads.iter().map(with).collect();
        call
    }

    pub fn check_rooms(&self) {
        self.rooms.iter().for_each(|(name, room)| room.check(name));
    }

    /// Everything that a pass leaves, byte for byte: outputs, masks, gradients, state. Scratch is nobody's.
    pub fn results(&self) -> Vec<(String, Vec<u8>)> {
        let scratch = ["saved", "scratch", "backward scratch", "packed"];
        let kept = self.rooms.iter().filter(|(name, _)| !scratch.contains(&name.as_str()));
        kept.map(|(name, room)| (name.clone(), room.bytes().to_vec())).collect()
    }
}
