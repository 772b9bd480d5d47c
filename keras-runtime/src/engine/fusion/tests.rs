use std::sync::Arc;

use keras_kernels::activation::Activation as Function;
use keras_kernels::{Cpu, DType, Device};

use crate::engine::{Body, Definition, Network, Source, walk_backward, walk_forward};
use crate::initializers::{download, upload};
use crate::layer::Layer;
use crate::layers::{
    Activation, ActivityRegularization, Add, BatchNormalization, Conv1D, Conv2D, Dense, DepthwiseConv2D,
    Dropout, Embedding, Flatten, GlobalAveragePooling2D, LeakyReLU, Padding, ReLU, SeparableConv2D,
    ZeroPadding1D, ZeroPadding2D,
};
use crate::plan::Spec;
use crate::rt::{Argument, Operation};

const BATCH: usize = 3;

/// A model under construction.
struct Stack(Definition);

impl Stack {
    fn new() -> Stack {
        Stack(Definition::new("fused"))
    }

    fn image(&mut self) -> Source {
        self.0.input("x", Spec::of(&[10, 10, 16]))
    }

    /// A layer that may be called several times.
    fn layer(&mut self, layer: impl Layer + 'static) -> usize {
        let name = format!("layer_{}", self.0.members.len());
        self.0.layer(name, layer)
    }

    fn call(&mut self, layer: usize, on: &[Source]) -> Source {
        Source::node(self.0.call(layer, on).expect("has a plan"))
    }

    fn put(&mut self, layer: impl Layer + 'static, on: &[Source]) -> Source {
        let layer = self.layer(layer);
        self.call(layer, on)
    }

    /// A convolution, its normalization, an activation.
    fn block(&mut self, conv: impl Layer + 'static, on: Source) -> Source {
        let y = self.put(conv, &[on]);
        let y = self.put(BatchNormalization::new(), &[y]);
        self.put(ReLU::new().max_value(6.0), &[y])
    }

    fn output(&mut self, source: Source) {
        let name = format!("y_{}", self.0.outputs.len());
        self.0.output(name, source);
    }
}

fn conv(filters: usize, size: usize) -> Conv2D {
    Conv2D::new(filters, size).padding(Padding::Same)
}

/// A model: how many of its calls are skipped, and what it is.
type Case = (&'static str, usize, fn(&mut Stack));

const CASES: &[Case] = &[
    ("tiles", 2, |s| {
        let x = s.image();
        let y = s.block(conv(32, 3).use_bias(false), x);
        s.output(y);
    }),
    ("single pixels", 2, |s| {
        let x = s.image();
        let y = s.block(conv(24, 1), x);
        s.output(y);
    }),
    ("windows", 2, |s| {
        let x = s.image();
        let y = s.block(conv(5, 5).strides(2), x);
        s.output(y);
    }),
    ("each channel", 2, |s| {
        let x = s.image();
        let y = s.block(DepthwiseConv2D::new(3), x);
        s.output(y);
    }),
    ("several for each channel", 2, |s| {
        let x = s.image();
        let y = s.block(DepthwiseConv2D::new(3).depth_multiplier(2).use_bias(false), x);
        s.output(y);
    }),
    ("in two steps", 2, |s| {
        let x = s.image();
        let y = s.block(SeparableConv2D::new(8, 3), x);
        s.output(y);
    }),
    ("a product, and dropout", 3, |s| {
        let x = s.0.input("x", Spec::of(&[7]));
        let y = s.put(Dense::new(9), &[x]);
        let y = s.put(Dropout::new(0.5), &[y]);
        let y = s.put(BatchNormalization::new().scale(false), &[y]);
        let y = s.put(Activation::new(Function::Silu), &[y]);
        s.output(y);
    }),
    ("two normalizations", 3, |s| {
        let x = s.image();
        let y = s.put(conv(4, 3), &[x]);
        let y = s.put(BatchNormalization::new().center(false), &[y]);
        let y = s.put(BatchNormalization::new().epsilon(0.1), &[y]);
        let y = s.put(LeakyReLU::new(), &[y]);
        s.output(y);
    }),
    ("a shortcut", 5, |s| {
        let x = s.image();
        let y = s.block(conv(16, 3), x);
        let y = s.put(conv(16, 3), &[y]);
        let y = s.put(BatchNormalization::new(), &[y]);
        let y = s.put(Add::new(), &[y, x]);
        let y = s.put(ReLU::new(), &[y]);
        let y = s.put(GlobalAveragePooling2D::new(), &[y]);
        s.output(y);
    }),
    ("a shortcut with a convolution after it", 4, |s| {
        let x = s.image();
        let y = s.put(conv(32, 3), &[x]);
        let y = s.put(BatchNormalization::new(), &[y]);
        let short = s.put(conv(32, 1), &[x]);
        let short = s.put(BatchNormalization::new(), &[short]);
        let y = s.put(Add::new(), &[y, short]);
        let y = s.put(ReLU::new(), &[y]);
        s.output(y);
    }),
    ("two of the same shape, added in either order", 4, |s| {
        let x = s.image();
        let (a, b) = (s.block(conv(4, 1), x), s.put(conv(4, 3), &[x]));
        let y = s.put(Add::new(), &[b, a]);
        let z = s.put(Activation::new(Function::Tanh), &[y]);
        s.output(z);
    }),
    ("what is added broadcasts", 0, |s| {
        let x = s.image();
        let y = s.put(conv(16, 3), &[x]);
        let one = s.0.input("one", Spec::of(&[1, 1, 16]));
        let y = s.put(Add::new(), &[y, one]);
        s.output(y);
    }),
    ("what is added comes later", 1, |s| {
        let x = s.image();
        let y = s.put(conv(16, 3), &[x]);
        let y = s.put(BatchNormalization::new(), &[y]);
        let late = s.put(conv(16, 3).activation(Function::RELU), &[x]);
        let y = s.put(Add::new(), &[y, late]);
        s.output(y);
    }),
    ("what is added was only reshaped after", 2, |s| {
        let (x, other) = (s.0.input("x", Spec::of(&[12])), s.0.input("other", Spec::of(&[3, 4])));
        let y = s.put(Dense::new(12), &[x]);
        let flat = s.put(Flatten::new(), &[other]);
        let y = s.put(Add::new(), &[flat, y]);
        let y = s.put(ReLU::new(), &[y]);
        s.output(y);
    }),
    ("an activation between", 0, |s| {
        let x = s.image();
        let y = s.put(conv(8, 3).activation(Function::RELU), &[x]);
        let y = s.put(BatchNormalization::new(), &[y]);
        s.output(y);
    }),
    ("a normalization before a convolution", 1, |s| {
        let x = s.image();
        let y = s.put(BatchNormalization::new(), &[x]);
        let y = s.put(Activation::new(Function::Relu6), &[y]);
        let y = s.put(conv(8, 3), &[y]);
        s.output(y);
    }),
    ("two consumers", 1, |s| {
        let x = s.image();
        let y = s.put(conv(8, 3), &[x]);
        let y = s.put(BatchNormalization::new(), &[y]);
        let (a, b) = (s.put(ReLU::new(), &[y]), s.put(Activation::new(Function::Sigmoid), &[y]));
        let y = s.put(Add::new(), &[a, b]);
        s.output(y);
    }),
    ("added to itself", 0, |s| {
        let x = s.image();
        let y = s.put(conv(8, 3), &[x]);
        let y = s.put(Add::new(), &[y, y]);
        s.output(y);
    }),
    ("an output in the middle", 1, |s| {
        let x = s.image();
        let y = s.put(conv(8, 3), &[x]);
        let middle = s.put(BatchNormalization::new(), &[y]);
        let y = s.put(ReLU::new(), &[middle]);
        s.output(middle);
        s.output(y);
    }),
    ("a shared layer that ends in two ways", 3, |s| {
        let x = s.image();
        let (shared, norm) = (s.layer(conv(16, 3)), s.layer(BatchNormalization::new()));
        let y = s.call(shared, &[x]);
        let y = s.call(norm, &[y]);
        let y = s.call(shared, &[y]);
        let y = s.put(BatchNormalization::new(), &[y]);
        let y = s.put(ReLU::new(), &[y]);
        s.output(y);
    }),
    ("an inner model", 4, |s| {
        let mut inner = Stack::new();
        let x = inner.image();
        let y = inner.block(conv(16, 3), x);
        inner.output(y);
        let x = s.image();
        let member = s.0.member("inner", Body::Model(Arc::new(inner.0)));
        let y = s.call(member, &[x]);
        let y = s.call(member, &[y]);
        s.output(y);
    }),
    ("channels first", 0, |s| {
        let x = s.image();
        let first = crate::layers::DataFormat::ChannelsFirst;
        let y = s.put(conv(8, 3).data_format(first), &[x]);
        let y = s.put(BatchNormalization::new().axis(1), &[y]);
        s.output(y);
    }),
    ("another axis", 0, |s| {
        let x = s.image();
        let y = s.put(conv(8, 3), &[x]);
        let y = s.put(BatchNormalization::new().axis(2), &[y]);
        s.output(y);
    }),
    ("a mask", 0, |s| {
        let ids = s.0.input("ids", Spec::of(&[5]).with_dtype(DType::I32));
        let y = s.put(Embedding::new(4, 3).mask_zero(true), &[ids]);
        let y = s.put(Dense::new(6), &[y]);
        let y = s.put(BatchNormalization::new(), &[y]);
        let y = s.put(Dropout::new(0.5), &[y]);
        s.output(y);
    }),
    ("a penalty", 1, |s| {
        let x = s.image();
        let y = s.put(conv(8, 3), &[x]);
        let y = s.put(BatchNormalization::new(), &[y]);
        let y = s.put(ActivityRegularization::new().l2(0.1), &[y]);
        s.output(y);
    }),
    ("zeros around", 6, |s| {
        let x = s.image();
        let y = s.put(ZeroPadding2D::new([[0, 1], [2, 0]]), &[x]);
        let y = s.block(DepthwiseConv2D::new(3).strides(2), y);
        let y = s.put(ZeroPadding2D::new(1), &[y]);
        let y = s.block(Conv2D::new(32, 3), y);
        s.output(y);
    }),
    ("more zeros than tiles know", 3, |s| {
        let x = s.image();
        let y = s.put(ZeroPadding2D::new(3), &[x]);
        let y = s.block(Conv2D::new(32, 3), y);
        s.output(y);
    }),
    ("zeros around an activated convolution", 1, |s| {
        let x = s.0.input("x", Spec::of(&[9, 3]));
        let y = s.put(ZeroPadding1D::new([1, 2]), &[x]);
        let y = s.put(Conv1D::new(4, 3).activation(Function::SOFTMAX), &[y]);
        s.output(y);
    }),
    ("zeros that two read, or one that pads too", 0, |s| {
        let x = s.image();
        let y = s.put(ZeroPadding2D::new(1), &[x]);
        let (a, b) = (s.put(Conv2D::new(4, 3), &[y]), s.put(Conv2D::new(4, 3), &[y]));
        let y = s.put(ZeroPadding2D::new(1), &[a]);
        let y = s.put(conv(4, 3), &[y]);
        s.output(y);
        s.output(b);
    }),
    ("dropout alone, and as an output", 2, |s| {
        let x = s.image();
        let y = s.put(Dropout::new(0.5), &[x]);
        let z = s.put(Dense::new(3).activation(Function::Tanh), &[y]);
        let z = s.put(Dropout::new(0.5), &[z]);
        s.output(y);
        s.output(z);
    }),
];

/// Numbers between `low` and `high` that are different for each seed.
fn numbers(len: usize, seed: usize, [low, high]: [f64; 2]) -> Vec<f64> {
    let number = |i: usize| ((i + 1) as f64 * 12.9898 + seed as f64 * 78.233).sin() * 43758.5453;
    (0..len).map(|i| low + (high - low) * number(i).rem_euclid(1.0)).collect()
}

fn network(build: fn(&mut Stack), device: Device, float: DType) -> Network {
    let mut stack = Stack::new();
    build(&mut stack);
    let mut network = Network::blank(Arc::new(stack.0), device, 1, float).expect("memory");
    write(&mut network, 0);
    network
}

/// Gives every variable numbers of this seed, all of them positive (there are variances among them).
fn write(network: &mut Network, seed: usize) {
    for at in 0..network.variables().len() {
        let size = network.variables()[at].size();
        network.write(at, &numbers(size, 100 * seed + at, [0.1, 1.0])).expect("so many");
    }
}

/// What a network makes of the same numbers each time: by a program for training that runs in inference, or by one that predicts.
fn run(network: &mut Network, keeps: bool) -> Vec<Vec<f64>> {
    let at = network.prepare(BATCH, keeps).expect("memory");
    for (i, view) in network.program(at).inputs.clone().into_iter().enumerate() {
        if view.dtype() == DType::I32 {
            let ids = (0..view.size() as i32).flat_map(|i| (i % 4).to_ne_bytes());
            network.device().upload(&ids.collect::<Vec<u8>>(), view);
        } else {
            upload(network.device(), &numbers(view.size(), 50 + i, [-1.0, 1.0]), view);
        }
    }
    network.forward(at, false, walk_forward);
    network.program(at).outputs.iter().map(|view| download(network.device(), *view)).collect()
}

/// One training step without an optimizer: moving statistics change, weights do not.
fn train(network: &mut Network) {
    let at = network.prepare(BATCH, true).expect("memory");
    network.forward(at, true, walk_forward);
    for grad in network.program(at).output_grads.clone().into_iter().flatten() {
        network.device().fill(1.0, grad.view);
    }
    network.backward(at, walk_backward);
    network.next_step();
}

/// The gradients of one training step.
fn gradients(network: &mut Network) -> Vec<Vec<f64>> {
    run(network, true);
    train(network);
    let views = network.variables().iter().filter_map(|variable| network.grad_view(variable));
    views.map(|view| download(network.device(), view)).collect()
}

#[track_caller]
fn close(what: &str, float: DType, found: &[Vec<f64>], expected: &[Vec<f64>]) {
    let bound = if float == DType::F64 { 1e-13 } else { 3e-5 };
    for (found, expected) in found.iter().zip(expected) {
        let most = expected.iter().fold(1e-3f64, |most, v| most.max(v.abs()));
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let error = (found - expected).abs() / most;
            assert!(error <= bound, "{what}: {found} for {expected} at {i}, an error of {error:e}");
        }
    }
}

fn skipped_calls(network: &Network, training: bool) -> Vec<usize> {
    let parts = network.form.fusion(training).map_or(&[][..], |fusion| &fusion.parts);
    (0..parts.len()).filter(|at| parts[*at].skipped).collect()
}

fn skipped(network: &Network) -> usize {
    skipped_calls(network, false).len()
}

#[test]
fn fused_calls_yield_what_the_calls_do() {
    for float in [DType::F32, DType::F64] {
        for (what, count, build) in CASES {
            let mut fused = network(*build, Device::cpu(), float);
            let mut plain = network(*build, Cpu::new().exact().into(), float);
            assert_eq!((skipped(&fused), skipped(&plain)), (*count, 0), "{what}");
            assert!(fused.arena_bytes(BATCH, false) <= plain.arena_bytes(BATCH, false), "{what}");
            assert!(fused.arena_bytes(BATCH, true) <= plain.arena_bytes(BATCH, true), "{what}");
            let expected = run(&mut plain, false);
            assert!(expected.iter().flatten().all(|v| v.is_finite()), "{what}");
            close(what, float, &run(&mut fused, false), &expected);
            // A program for training fuses other calls.
            close(what, float, &run(&mut fused, true), &expected);
        }
    }
}

#[test]
fn fused_calls_see_every_change() {
    for (what, _, build) in CASES {
        let float = DType::F64;
        let mut fused = network(*build, Device::cpu(), float);
        let mut plain = network(*build, Cpu::new().exact().into(), float);
        let mut both = |change: &dyn Fn(&mut Network)| {
            change(&mut fused);
            change(&mut plain);
            let found = run(&mut fused, false);
            close(what, float, &found, &run(&mut plain, false));
            found
        };
        let first = both(&|_| ());
        let written = both(&|network| write(network, 1));
        // Statistics move in a pass of training, without any change of the weights.
        let trained = both(&train);
        let again = both(&|_| ());
        assert_eq!(trained, again, "{what}");
        let has_weights = !fused.variables().is_empty();
        assert_eq!(first != written, has_weights, "{what}");
        let moves = fused.variables().iter().any(|variable| variable.path().contains("moving"));
        assert_eq!(written != trained, moves, "{what}");
    }
}

#[test]
fn fused_steps_have_the_gradients_of_the_calls() {
    for (what, _, build) in CASES {
        let mut fused = network(*build, Device::cpu(), DType::F64);
        let mut plain = network(*build, Cpu::new().exact().into(), DType::F64);
        close(what, DType::F64, &gradients(&mut fused), &gradients(&mut plain));
    }
}

#[test]
fn a_rectifier_after_a_normalization_is_a_part_of_it_in_training() {
    let build: fn(&mut Stack) = |s| {
        let x = s.image();
        let mut y = s.put(conv(4, 1), &[x]);
        y = s.put(BatchNormalization::new(), &[y]);
        y = s.put(ReLU::new(), &[y]);
        y = s.block(conv(4, 1), y);
        // No rectifier, a statistic that the kernel does not know, and another axis.
        y = s.put(BatchNormalization::new(), &[y]);
        y = s.put(Activation::new(Function::Tanh), &[y]);
        y = s.put(BatchNormalization::new().renorm(true), &[y]);
        y = s.put(ReLU::new(), &[y]);
        y = s.put(BatchNormalization::new().axis(1), &[y]);
        y = s.put(ReLU::new(), &[y]);
        s.output(y);
    };
    let mut fused = network(build, Device::cpu(), DType::F64);
    let mut plain = network(build, Cpu::new().exact().into(), DType::F64);
    assert_eq!(skipped_calls(&fused, true), [2, 5]);
    assert!(fused.arena_bytes(BATCH, true) < plain.arena_bytes(BATCH, true));
    for _ in 0..2 {
        close("gradients", DType::F64, &gradients(&mut fused), &gradients(&mut plain));
        close("statistics", DType::F64, &run(&mut fused, false), &run(&mut plain, false));
    }
}

#[test]
fn a_rectifier_after_a_sum_is_a_part_of_it_in_training() {
    let build: fn(&mut Stack) = |s| {
        let x = s.0.input("x", Spec::of(&[4, 6]));
        let [a, b, c] = [0; 3].map(|_| s.put(Dense::new(6).use_bias(false).activation(Function::Tanh), &[x]));
        let y = s.put(Add::new(), &[a, b, c]);
        let y = s.put(ReLU::new(), &[y]);
        const OPERANDS: &[Argument] = &[Argument::Tensor(0), Argument::Tensor(1)];
        let z = s.put(Operation::new("Add", 2, OPERANDS, &[]), &[y, a]);
        let z = s.put(ReLU::new().max_value(6.0), &[z]);
        s.output(z);
    };
    let mut fused = network(build, Device::cpu(), DType::F64);
    let mut plain = network(build, Cpu::new().exact().into(), DType::F64);
    for training in [false, true] {
        assert_eq!(skipped_calls(&fused, training), [4, 6], "training: {training}");
        // A step keeps every value, a prediction only some.
        let [found, expected] = [&fused, &plain].map(|network| network.arena_bytes(BATCH, training));
        assert!(if training { found < expected } else { found <= expected }, "{found} for {expected}");
        let (found, expected) = (run(&mut fused, training), run(&mut plain, training));
        close("sums", DType::F64, &found, &expected);
        // Some are clipped, some are not.
        assert!(expected[0].contains(&0.0) && expected[0].iter().any(|v| *v > 0.0));
    }
    close("gradients", DType::F64, &gradients(&mut fused), &gradients(&mut plain));
}

#[test]
fn a_prediction_between_training_steps_uses_the_statistics_of_now() {
    let build: fn(&mut Stack) = |s| {
        let x = s.image();
        let y = s.block(conv(16, 3), x);
        s.output(y);
    };
    let mut network = network(build, Device::cpu(), DType::F32);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (predicted, kept) = (run(&mut network, false), run(&mut network, true));
        close("between steps", DType::F32, &predicted, &kept);
        assert!(!seen.contains(&predicted), "the prediction must follow the statistics");
        seen.push(predicted);
        train(&mut network);
    }
}

#[test]
fn a_frozen_normalization_is_fused_too() {
    let build: fn(&mut Stack) = |s| {
        let x = s.image();
        let y = s.block(conv(16, 3), x);
        s.0.members.iter_mut().for_each(|member| member.trainable = false);
        s.output(y);
    };
    let mut network = network(build, Device::cpu(), DType::F64);
    let before = run(&mut network, false);
    train(&mut network);
    assert_eq!((skipped(&network), run(&mut network, false)), (2, before));
}

#[test]
#[should_panic(expected = "a program for predictions cannot train")]
fn a_program_for_predictions_does_not_train() {
    let mut network = network(CASES[0].2, Device::cpu(), DType::F32);
    let at = network.prepare(BATCH, false).expect("memory");
    network.forward(at, true, walk_forward);
}
