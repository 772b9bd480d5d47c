//! What no layer may depend on: other inputs than it was made for, batch sizes, odd numbers, threads.

use keras_kernels::{DType, Device, MAX_RANK, Shape};

use super::bench::{Bench, Fill, Setting};
use super::{BATCH, LayerCheck};
use crate::layer::Layer;
use crate::plan::{Plan, Spec};

/// Numbers in the inputs of a batch that is run on several threads: enough for kernels to fork.
const MANY: usize = 12_000;

impl<L: Layer + 'static> LayerCheck<L> {
    fn setting(&self, batch: usize, float: DType, training: bool) -> Setting<'_> {
        Setting { inputs: &self.inputs, batch, float, training, fill: Fill::Numbers }
    }

    /// Forward and, where it has one, backward.
    fn pass<'a>(&'a self, plan: &Plan, setting: Setting<'_>) -> Bench<'a> {
        let bench = Bench::new(self, plan, setting);
        bench.forward();
        if self.layer.differentiable() {
            bench.backward();
        }
        bench
    }

    /// Plans for inputs that it was not made for are refused, or can be run: nothing panics, nothing is written astray.
    pub(super) fn check_bad_input(&self) {
        let mut wrong: Vec<Vec<Spec>> = vec![Vec::new(), self.inputs[..self.inputs.len() - 1].to_vec()];
        wrong.push(self.inputs.iter().chain(&self.inputs).copied().collect());
        for (at, spec) in self.inputs.iter().enumerate() {
            let mut with = |spec: Spec| {
                let mut inputs = self.inputs.clone();
                inputs[at] = spec;
                wrong.push(inputs);
            };
            for dtype in [DType::I32, DType::I64, DType::U8, DType::Bool, DType::F32] {
                with(spec.with_dtype(dtype));
            }
            for rank in 0..MAX_RANK {
                with(spec.with_shape(Shape::of(&[2; MAX_RANK][..rank])));
            }
            for dim in 0..spec.rank() {
                for size in [0, 1, spec.dim(dim) + 1] {
                    with(spec.with_shape(spec.shape().with_dim(dim, size)));
                }
            }
        }
        for inputs in wrong {
            let Ok(plan) = self.layer.plan_for(&inputs) else { continue };
            let numbers: usize = inputs.iter().map(Spec::size).sum();
            // The mask would not fit, and nothing is learnt from running large inputs.
            if self.mask.is_some() || numbers > 2000 || plan.outputs.as_slice().iter().any(Spec::is_poison) {
                continue;
            }
            let setting = Setting { inputs: &inputs, ..self.setting(2, DType::F32, true) };
            self.pass(&plan, setting).check_rooms();
        }
        // Sizes that do not fit into memory are at most refused.
        let huge = self.inputs.iter().map(|spec| {
            (0..spec.rank())
                .fold(*spec, |spec, dim| spec.with_shape(spec.shape().with_dim(dim, u32::MAX as usize)))
        });
        let _ = self.layer.plan_for(&huge.collect::<Vec<_>>());
    }

    /// No sample, one sample, and more of them: in inference each sample's outputs are its own.
    pub(super) fn check_batches(&self, plan: &Plan) {
        self.pass(plan, self.setting(0, DType::F64, self.training)).check_rooms();
        if !self.alone {
            return;
        }
        let many = Bench::new(self, plan, self.setting(BATCH, DType::F64, false));
        many.forward();
        let whole = many.read(&many.call.outputs);
        let one = Bench::new(self, plan, self.setting(1, DType::F64, false));
        for sample in 0..BATCH {
            let pairs = one.call.inputs.iter().zip(&many.call.inputs);
            let masks = one.call.input_masks.iter().zip(&many.call.input_masks);
            let masks = masks.filter_map(|(to, from)| Some(((*to)?, (*from)?)));
            for (to, from) in pairs.map(|(to, from)| (*to, *from)).chain(masks) {
                // What does not belong to samples is the same for all of them.
                let same = to.shape() == from.shape();
                one.copy(from.cut(if same { 0 } else { sample * to.size() }, to.shape()), to);
            }
            one.forward();
            for ((alone, whole), view) in
                one.read(&one.call.outputs).iter().zip(&whole).zip(&many.call.outputs)
            {
                let first = if alone.len() == view.size() { 0 } else { sample * alone.len() };
                let scale = whole.iter().fold(1.0f64, |m, v| m.max(v.abs()));
                for (a, w) in alone.iter().zip(&whole[first..]) {
                    assert!(
                        (a - w).abs() <= 1e-12 * scale,
                        "{}: sample {sample} alone gives {a}, in a batch {w}",
                        self.layer.class_name()
                    );
                }
            }
        }
        one.check_rooms();
    }

    /// Numbers that are none, and integers that mean nothing, are not a reason to panic or to read elsewhere.
    pub(super) fn check_wild_numbers(&self, plan: &Plan) {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let setting = self.setting(2, DType::F32, self.training);
            self.pass(plan, Setting { fill: Fill::Wild(number), ..setting }).check_rooms();
        }
    }

    /// The same bits on any number of threads, with a batch that is large enough to be shared out.
    pub(super) fn check_threads(&self, plan: &Plan) {
        let numbers: usize = self.inputs.iter().map(Spec::size).sum();
        let batch = (MANY / numbers.max(1)).clamp(BATCH, 600);
        let mut of_one = None;
        for threads in [1, 2, 8] {
            let mut results = Vec::new();
            Device::cpu_with_threads(threads).install(usize::MAX, &mut || {
                let bench = self.pass(plan, self.setting(batch, DType::F32, self.training));
                bench.check_rooms();
                results = bench.results();
            });
            let Some(of_one) = &of_one else {
                of_one = Some(results);
                continue;
            };
            for ((name, one), (_, several)) in of_one.iter().zip(&results) {
                let class = self.layer.class_name();
                assert!(one == several, "{class}: `{name}` is another one with {threads} threads");
            }
        }
    }
}
