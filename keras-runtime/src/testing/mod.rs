//! Checks that every layer passes, built in or one's own.
//!
//! [`LayerCheck`] runs one layer in every way that it can be run:
//!
//! * its gradients against finite differences in 64-bit floats, in both gradient modes, between canaries;
//! * in 32-bit floats against 64;
//! * on inputs that it was not made for, which are refused or computed, and never a panic;
//! * with no sample, one sample and several; with numbers that are none;
//! * on 1, 2 and 8 threads, with the same bits;
//! * from its own configuration, in a graph of consts and in one made at run time, and out of a `.keras` file: with the same plan, and
//!   the same bits of outputs and gradients.

mod bench;
mod files;
mod gradients;
mod robust;
mod room;
mod values;

use std::sync::Arc;

use keras_kernels::{DType, Shape};

use self::bench::{Bench, Fill, Setting};
use crate::layer::Layer;
use crate::layers::Registry;
use crate::plan::Spec;

pub use values::run_layer;

/// Samples in the batch of a check.
const BATCH: usize = 3;
/// Error of a central difference for functions of moderate curvature, relative to the largest gradient.
const TOLERANCE: f64 = 1e-6;

/// One check of one layer.
///
/// ```
/// use keras_runtime::layers::Dense;
/// use keras_runtime::plan::Spec;
/// use keras_runtime::testing::LayerCheck;
///
/// LayerCheck::new(Dense::new(4)).input(Spec::of(&[3])).run();
/// ```
pub struct LayerCheck<L> {
    layer: Arc<L>,
    registry: Registry,
    inputs: Vec<Spec>,
    integers_below: usize,
    range: (f64, f64),
    mask: Option<(Shape, Vec<u8>)>,
    trainable: bool,
    training: bool,
    tolerance: f64,
    saved: bool,
    alone: bool,
}

impl<L: Layer + 'static> LayerCheck<L> {
    /// A check of this layer.
    pub fn new(layer: L) -> Self {
        LayerCheck {
            layer: Arc::new(layer),
            registry: Registry::new(),
            inputs: Vec::new(),
            integers_below: 3,
            range: (-1.0, 1.0),
            mask: None,
            trainable: true,
            training: true,
            tolerance: TOLERANCE,
            saved: true,
            alone: true,
        }
    }

    /// Calls it on an input like this (once for each input).
    #[must_use]
    pub fn input(mut self, spec: Spec) -> Self {
        self.inputs.push(spec);
        self
    }

    /// Draws integer inputs below this number (default 3).
    #[must_use]
    pub fn integers_below(mut self, n: usize) -> Self {
        self.integers_below = n;
        self
    }

    /// Draws float inputs and weights from this range (default -1..1).
    #[must_use]
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = (low, high);
        self
    }

    /// Gives the first input a mask: one byte for each sample and step, for 3 samples.
    #[must_use]
    pub fn mask(self, mask: &[u8]) -> Self {
        self.mask_of(&[mask.len() / BATCH], mask)
    }

    /// Gives the first input a mask of this shape a sample: one byte for each element, for 3 samples.
    #[must_use]
    pub fn mask_of(mut self, shape: &[usize], mask: &[u8]) -> Self {
        self.mask = Some((Shape::of(shape), mask.to_vec()));
        self
    }

    /// A layer whose outputs for one sample depend on the others of its batch, in inference too.
    #[must_use]
    pub fn across_samples(mut self) -> Self {
        self.alone = false;
        self
    }

    /// A layer that holds what a file cannot name, such as an activation of one's own: it is not made from its configuration.
    #[must_use]
    pub fn unsaved(mut self) -> Self {
        self.saved = false;
        self
    }

    /// Knows the classes of this registry, so that a layer of one's own is made from its configuration and saved, too.
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// As a frozen layer.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        self.trainable = false;
        self
    }

    /// As in inference (gradients are checked all the same).
    #[must_use]
    pub fn inference(mut self) -> Self {
        self.training = false;
        self
    }

    /// Allows this error of the gradients relative to the largest one: for functions of high curvature, where the central
    /// difference itself is that far off. Say why where it is used.
    #[must_use]
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Runs the check.
    ///
    /// # Panics
    /// With what is wrong.
    pub fn run(self) {
        let plan = match self.layer.plan_for(&self.inputs) {
            Ok(plan) => plan,
            Err(message) => panic!("{}: {message}", self.layer.class_name()),
        };
        let setting = |float| Setting {
            inputs: &self.inputs,
            batch: BATCH,
            float,
            training: self.training,
            fill: Fill::Numbers,
        };
        let wide = Bench::new(&self, &plan, setting(DType::F64));
        wide.forward();
        let outputs = wide.read(&wide.call.outputs);
        for (values, spec) in outputs.iter().zip(plan.outputs.as_slice()) {
            assert_eq!(values.len(), spec.shape_for(BATCH).size());
            assert!(values.iter().all(|v| v.is_finite()), "an output was not written, or is not finite");
        }
        if self.layer.differentiable() {
            wide.check_gradients(&*self.layer, &plan, self.tolerance);
        }
        wide.check_rooms();

        // 24 bits of mantissa, with room for sums of a few hundred terms.
        let narrow = Bench::new(&self, &plan, setting(DType::F32));
        narrow.forward();
        for (wide, narrow) in outputs.iter().zip(narrow.read(&narrow.call.outputs)) {
            let scale = wide.iter().fold(1.0f64, |m, v| m.max(v.abs()));
            for (w, n) in wide.iter().zip(narrow) {
                assert!((w - n).abs() <= 2e-5 * scale, "32-bit and 64-bit floats differ: {n} and {w}");
            }
        }
        narrow.check_rooms();

        self.check_bad_input();
        self.check_batches(&plan);
        self.check_wild_numbers(&plan);
        self.check_threads(&plan);
        self.check_graphs(&plan);
    }
}
