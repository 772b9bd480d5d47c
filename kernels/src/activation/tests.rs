use super::*;
use crate::testing::{close, floats, is_gradient, numbers, same_on_any_threads, view};
use crate::{Device, Mode};

/// The activations of the rows of `keras.txt`.
fn of_row(name: &str) -> Activation {
    let relu =
        |max_value, negative_slope, threshold| Activation::Relu { max_value, negative_slope, threshold };
    let inf = f64::INFINITY;
    match name {
        "relu" => Activation::RELU,
        "relu max_value=6" => relu(6.0, 0.0, 0.0),
        "relu max_value=2.5 slope=0.1 threshold=0.5" => relu(2.5, 0.1, 0.5),
        "relu slope=0.3" => relu(inf, 0.3, 0.0),
        "relu max_value=3 slope=0.3" => relu(3.0, 0.3, 0.0),
        "relu threshold=-0.75" => relu(inf, 0.0, -0.75),
        "relu max_value=2 threshold=-0.75" => relu(2.0, 0.0, -0.75),
        "leaky_relu" => Activation::LeakyRelu { negative_slope: 0.2 },
        "relu6" => Activation::Relu6,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "elu" => Activation::Elu { alpha: 1.0 },
        "elu alpha=0.7" => Activation::Elu { alpha: 0.7 },
        "selu" => Activation::Selu,
        "celu alpha=1.3" => Activation::Celu { alpha: 1.3 },
        "softplus" => Activation::Softplus,
        "softsign" => Activation::Softsign,
        "silu" => Activation::Silu,
        "gelu" => Activation::Gelu { approximate: false },
        "gelu approximate" => Activation::Gelu { approximate: true },
        "exponential" => Activation::Exponential,
        "hard_sigmoid" => Activation::HardSigmoid,
        "hard_silu" => Activation::HardSilu,
        "hard_tanh" => Activation::HardTanh,
        "mish" => Activation::Mish,
        "log_sigmoid" => Activation::LogSigmoid,
        "hard_shrink" => Activation::HardShrink { threshold: 0.5 },
        "soft_shrink" => Activation::SoftShrink { threshold: 0.5 },
        "tanh_shrink" => Activation::TanhShrink,
        "squareplus" => Activation::Squareplus { b: 4.0 },
        "sparse_plus" => Activation::SparsePlus,
        "sparse_sigmoid" => Activation::SparseSigmoid,
        "threshold 0.5 -2" => Activation::Threshold { threshold: 0.5, default_value: -2.0 },
        other => panic!("no activation for the row {other}"),
    }
}

fn parse(line: &str) -> Vec<f64> {
    line.split_whitespace().map(|x| x.parse().unwrap()).collect()
}

/// Values and slopes that Keras 3.15 on JAX computes in 64 bits, kinks included.
#[test]
fn values_and_slopes_are_those_of_keras() {
    let device = Device::cpu();
    let mut lines = include_str!("keras.txt").lines();
    let xs = parse(lines.next().unwrap().strip_prefix("x: ").unwrap());
    let n = xs.len();
    let mut rows = 0;
    for line in lines {
        let (name, numbers) = line.split_once(": ").unwrap();
        let (values, slopes) = numbers.split_once(" | ").unwrap();
        let (values, slopes) = (parse(values), parse(slopes));
        let f = of_row(name);
        println!("{name}");
        // XLA's `tanh` of 64-bit floats is a rational function that is good to 32 bits.
        let rational = ["tanh", "mish", "gelu approximate", "tanh_shrink"].contains(&name);
        let tolerance = if rational { 4.0 * f64::from(f32::EPSILON) } else { 1e-14 };
        let (mut x, mut y, mut dx, mut dy) = (xs.clone(), vec![0.0; n], vec![0.0; n], vec![1.0; n]);
        let (xv, yv, dyv) = (view(&mut x, &[n]), view(&mut y, &[n]), view(&mut dy, &[n]));
        let dxv = view(&mut dx, &[n]);
        device.activation(f, xv, yv);
        close(&y, &values, tolerance);
        device.activation_grad(f, Some(xv), yv, dyv, Grad::write(dxv));
        close(&dx, &slopes, tolerance);
        // Twice as much once it is added again.
        device.activation_grad(f, Some(xv), yv, dyv, Grad::add(dxv));
        close(&dx, &slopes.iter().map(|d| 2.0 * d).collect::<Vec<_>>(), tolerance);
        // From the output alone: the same but at the ends of a clipped range.
        if f.grad_from_output() {
            device.activation_grad(f, None, yv, dyv, Grad::write(dxv));
            for i in (0..n).filter(|i| slopes[*i] != 0.5 && xs[*i].abs() != 1.0) {
                close(&dx[i..=i], &slopes[i..=i], tolerance);
            }
        }
        // 32 bits, in place.
        let mut x32: Vec<f32> = xs.iter().map(|x| *x as f32).collect();
        let xv = view(&mut x32, &[n]);
        device.activation(f, xv, xv);
        close(&x32.iter().map(|x| f64::from(*x)).collect::<Vec<_>>(), &values, 4.0 * f64::from(f32::EPSILON));
        rows += 1;
    }
    assert_eq!(rows, 33);
}

/// `dx` for `dy` given at random, of an activation along an axis; checked by finite differences.
fn check_gradient(f: Activation, dims: &[usize], out_dims: &[usize]) {
    let device = Device::cpu();
    let (n, m) = (dims.iter().product(), out_dims.iter().product());
    let mut x: Vec<f64> = numbers(n, 3);
    let weights = numbers(m, 5);
    let forward = |x: &[f64]| {
        let (mut x, mut y) = (x.to_vec(), vec![0.0; m]);
        device.activation(f, view(&mut x, dims), view(&mut y, out_dims));
        y
    };
    let (mut y, mut dy) = (forward(&x), weights.clone());
    for mode in [Mode::Write, Mode::Add] {
        let mut dx = vec![if mode == Mode::Add { 1.0 } else { f64::NAN }; n];
        let target = Grad { view: view(&mut dx, dims), mode };
        let (xv, yv, dyv) = (view(&mut x, dims), view(&mut y, out_dims), view(&mut dy, out_dims));
        device.activation_grad(f, Some(xv), yv, dyv, target);
        if mode == Mode::Add {
            dx.iter_mut().for_each(|d| *d -= 1.0);
        }
        is_gradient(&x, &dx, |x| forward(x).iter().zip(&weights).map(|(y, w)| y * w).sum());
    }
}

/// The functions made of `tanh`, exactly.
#[test]
fn gradients_of_tanh_are_those_of_its_values() {
    let gelu = Activation::Gelu { approximate: true };
    for f in [Activation::Tanh, Activation::Mish, Activation::TanhShrink, gelu] {
        check_gradient(f, &[29], &[29]);
    }
}

#[test]
fn gradients_are_those_of_the_values() {
    for axis in [0, 1, -1] {
        let half = |dims: [usize; 3]| {
            let mut out = dims;
            out[if axis < 0 { 2 } else { axis as usize }] /= 2;
            out
        };
        check_gradient(Activation::Softmax { axis }, &[3, 5, 4], &[3, 5, 4]);
        check_gradient(Activation::LogSoftmax { axis }, &[3, 5, 4], &[3, 5, 4]);
        check_gradient(Activation::Sparsemax { axis }, &[3, 5, 4], &[3, 5, 4]);
        check_gradient(Activation::Glu { axis }, &[4, 6, 2], &half([4, 6, 2]));
    }
}

/// `keras.ops.sparsemax([[1, 2, 3], [0.1, 0.2, 0.15], [0.3, 0.3, 0.1]])`, and what `jax.grad` makes of it.
#[test]
fn sparsemax_is_that_of_keras() {
    let mut x = vec![1.0, 2.0, 3.0, 0.1, 0.2, 0.15, 0.3, 0.3, 0.1];
    let mut dy = vec![1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 1.0, 2.0, 4.0];
    let (mut y, mut dx) = (vec![0.0; 9], vec![0.0; 9]);
    let f = Activation::Sparsemax { axis: -1 };
    let (xv, yv) = (view(&mut x, &[3, 3]), view(&mut y, &[3, 3]));
    Device::cpu().activation(f, xv, yv);
    close(&y, &[0.0, 0.0, 1.0, 0.1, 0.2, 0.15, 0.1, 0.1, 0.0], 1e-14);
    let to = Grad::write(view(&mut dx, &[3, 3]));
    Device::cpu().activation_grad(f, Some(xv), yv, view(&mut dy, &[3, 3]), to);
    // The first row lies on a kink, where JAX halves. Of equal numbers the first one counts as the larger.
    close(&dx, &[0.0, 0.0, 0.0, -4.0 / 3.0, -11.0, -11.0 / 3.0, -2.0, 0.0, -1.0], 1e-14);
}

#[test]
fn a_function_of_ones_own_runs_its_programs() {
    use crate::elementwise::{Binary, Instr, Program};
    static CUBE: CustomActivation = CustomActivation {
        name: "cube",
        forward: Program {
            instrs: &[Instr::Input(0), Instr::Binary(Binary::Mul, 0, 0), Instr::Binary(Binary::Mul, 1, 0)],
            outputs: &[2],
        },
        backward: Program {
            instrs: &[
                Instr::Input(0),
                Instr::Input(1),
                Instr::Const(3.0),
                Instr::Binary(Binary::Mul, 0, 0),
                Instr::Binary(Binary::Mul, 3, 2),
                Instr::Binary(Binary::Mul, 4, 1),
            ],
            outputs: &[5],
        },
    };
    check_gradient(Activation::Custom(&CUBE), &[7], &[7]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let n = 100_003;
    same_on_any_threads(|device| {
        let (mut x, mut y) = (floats(n, 1), vec![0.0; n]);
        device.activation(Activation::Silu, view(&mut x, &[n]), view(&mut y, &[n]));
        y
    });
}
