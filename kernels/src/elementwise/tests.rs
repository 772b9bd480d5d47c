use super::{Binary, Instr, Program, Unary};
use crate::testing::{close, floats, is_gradient, numbers, same_on_any_threads, view};
use crate::{DType, Device, Grad, Shape, View};

/// `f(input 0)`.
fn run_unary(op: Unary, x: &[f64]) -> Vec<f64> {
    let (mut x, mut y) = (x.to_vec(), vec![0.0; x.len()]);
    let n = x.len();
    let program = Program { instrs: &[Instr::Input(0), Instr::Unary(op, 0)], outputs: &[1] };
    Device::cpu().map(&program, &[], &[view(&mut x, &[n])], &[Grad::write(view(&mut y, &[n]))]);
    y
}

fn run_binary(op: Binary, a: &[f64], b: &[f64]) -> Vec<f64> {
    let (mut a, mut b, mut y) = (a.to_vec(), b.to_vec(), vec![0.0; a.len()]);
    let n = a.len();
    let program =
        Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(op, 0, 1)], outputs: &[2] };
    let inputs = [view(&mut a, &[n]), view(&mut b, &[n])];
    Device::cpu().map(&program, &[], &inputs, &[Grad::write(view(&mut y, &[n]))]);
    y
}

#[test]
fn every_function_of_one_number() {
    let x = [-1.5, -0.5, 0.0, 0.25, 0.5, 0.75, 2.5, 3.5];
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let table: [(Unary, &dyn Fn(f64) -> f64); 35] = [
        (Unary::Neg, &|x| -x),
        (Unary::Abs, &f64::abs),
        (Unary::Sign, &|x| if x == 0.0 { 0.0 } else { x.signum() }),
        (Unary::Square, &|x| x * x),
        (Unary::Sqrt, &f64::sqrt),
        (Unary::Rsqrt, &|x| 1.0 / x.sqrt()),
        (Unary::Recip, &f64::recip),
        (Unary::Exp, &f64::exp),
        (Unary::Expm1, &f64::exp_m1),
        (Unary::Log, &f64::ln),
        (Unary::Log1p, &f64::ln_1p),
        (Unary::Log2, &f64::log2),
        (Unary::Log10, &f64::log10),
        (Unary::Sin, &f64::sin),
        (Unary::Cos, &f64::cos),
        (Unary::Tan, &f64::tan),
        (Unary::Asin, &f64::asin),
        (Unary::Acos, &f64::acos),
        (Unary::Atan, &f64::atan),
        (Unary::Sinh, &f64::sinh),
        (Unary::Cosh, &f64::cosh),
        (Unary::Tanh, &f64::tanh),
        (Unary::Asinh, &f64::asinh),
        (Unary::Acosh, &f64::acosh),
        (Unary::Atanh, &f64::atanh),
        (Unary::Erf, &libm::erf),
        (Unary::Sigmoid, &logistic),
        (Unary::Relu, &|x| x.max(0.0)),
        (Unary::Softplus, &|x| x.exp().ln_1p()),
        (Unary::Floor, &f64::floor),
        (Unary::Ceil, &f64::ceil),
        (Unary::Round, &f64::round_ties_even),
        (Unary::Not, &|x| f64::from(u8::from(x == 0.0))),
        (Unary::IsNan, &|_| 0.0),
        (Unary::IsFinite, &|_| 1.0),
    ];
    for (op, f) in table {
        println!("{op:?}");
        close(&run_unary(op, &x), &x.map(f), 1e-15);
    }
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    assert_eq!(run_unary(Unary::IsNan, &odd), [1.0, 0.0, 0.0]);
    assert_eq!(run_unary(Unary::IsFinite, &odd), [0.0; 3]);
}

#[test]
fn every_function_of_two_numbers() {
    let (a, b) = ([7.0, -7.0, 7.0, -7.0, 0.0, 6.0], [3.0, 3.0, -3.0, -3.0, 2.0, 6.0]);
    let truth = |f: fn(f64, f64) -> bool| move |a: f64, b: f64| f64::from(u8::from(f(a, b)));
    let table: [(Binary, &dyn Fn(f64, f64) -> f64); 16] = [
        (Binary::Add, &|a, b| a + b),
        (Binary::Sub, &|a, b| a - b),
        (Binary::Mul, &|a, b| a * b),
        (Binary::Div, &|a, b| a / b),
        (Binary::Pow, &f64::powf),
        (Binary::Max, &f64::max),
        (Binary::Min, &f64::min),
        (Binary::Atan2, &f64::atan2),
        (Binary::Less, &truth(|a, b| a < b)),
        (Binary::LessEqual, &truth(|a, b| a <= b)),
        (Binary::Greater, &truth(|a, b| a > b)),
        (Binary::GreaterEqual, &truth(|a, b| a >= b)),
        (Binary::Equal, &truth(|a, b| a == b)),
        (Binary::NotEqual, &truth(|a, b| a != b)),
        (Binary::And, &truth(|a, b| a != 0.0 && b != 0.0)),
        (Binary::Or, &truth(|a, b| a != 0.0 || b != 0.0)),
    ];
    for (op, f) in table {
        println!("{op:?}");
        let correct: Vec<f64> = a.iter().zip(b).map(|(a, b)| f(*a, b)).collect();
        close(&run_binary(op, &a, &b), &correct, 1e-15);
    }
    // As Python's % and // have them.
    assert_eq!(run_binary(Binary::Mod, &a, &b), [1.0, 2.0, -2.0, -1.0, 0.0, 0.0]);
    assert_eq!(run_binary(Binary::FloorDiv, &a, &b), [2.0, -3.0, -3.0, 2.0, 0.0, 1.0]);
    for (a, b) in [(f64::NAN, 1.0), (1.0, f64::NAN)] {
        assert!(run_binary(Binary::Max, &[a], &[b])[0].is_nan());
        assert!(run_binary(Binary::Min, &[a], &[b])[0].is_nan());
    }
}

/// `y = scale * tanh(a) * b + 1`, and its gradients.
const FORWARD: [Instr; 7] = [
    Instr::Input(0),
    Instr::Input(1),
    Instr::Scalar(0),
    Instr::Unary(Unary::Tanh, 0),
    Instr::Binary(Binary::Mul, 3, 1),
    Instr::Binary(Binary::Mul, 4, 2),
    Instr::Const(1.0),
];

fn forward(a: &mut [f64], a_dims: &[usize], b: &mut [f64], b_dims: &[usize], dims: &[usize]) -> Vec<f64> {
    let mut y = vec![0.0; dims.iter().product()];
    let mut instrs = FORWARD.to_vec();
    instrs.push(Instr::Binary(Binary::Add, 5, 6));
    let program = Program { instrs: &instrs, outputs: &[7] };
    let inputs = [view(a, a_dims), view(b, b_dims)];
    Device::cpu().map(&program, &[0.75], &inputs, &[Grad::write(view(&mut y, dims))]);
    y
}

#[test]
fn gradients_of_broadcast_inputs_are_sums() {
    let cases: [(&[usize], &[usize], &[usize]); 9] = [
        (&[4, 3], &[3], &[4, 3]),
        (&[4, 3], &[4, 1], &[4, 3]),
        (&[4, 1, 5], &[3, 1], &[4, 3, 5]),
        (&[2, 3, 4, 5], &[3, 1, 5], &[2, 3, 4, 5]),
        (&[6], &[], &[6]),
        (&[], &[], &[]),
        (&[1, 300], &[7, 300], &[7, 300]),
        (&[3, 300], &[3, 1], &[3, 300]),
        (&[2, 3], &[2, 3], &[2, 3]),
    ];
    // da = dy * scale * b * (1 - tanh(a)^2), db = dy * scale * tanh(a)
    let mut instrs = FORWARD.to_vec();
    instrs.extend([
        Instr::Input(2),
        Instr::Binary(Binary::Mul, 7, 2),
        Instr::Unary(Unary::Square, 3),
        Instr::Binary(Binary::Sub, 6, 9),
        Instr::Binary(Binary::Mul, 8, 1),
        Instr::Binary(Binary::Mul, 11, 10),
        Instr::Binary(Binary::Mul, 8, 3),
    ]);
    let program = Program { instrs: &instrs, outputs: &[12, 13] };
    for (a_dims, b_dims, dims) in cases {
        println!("{a_dims:?} {b_dims:?}");
        let size = |dims: &[usize]| dims.iter().product::<usize>();
        let (mut a, mut b, mut dy) =
            (numbers(size(a_dims), 1), numbers(size(b_dims), 2), numbers(size(dims), 3));
        let weights = dy.clone();
        let (mut da, mut db) = (vec![f64::NAN; a.len()], vec![1.0; b.len()]);
        let inputs = [view(&mut a, a_dims), view(&mut b, b_dims), view(&mut dy, dims)];
        let outputs = [Grad::write(view(&mut da, a_dims)), Grad::add(view(&mut db, b_dims))];
        Device::cpu().map(&program, &[0.75], &inputs, &outputs);
        db.iter_mut().for_each(|d| *d -= 1.0);
        let dot = |y: Vec<f64>| y.iter().zip(&weights).map(|(y, w)| y * w).sum::<f64>();
        let mut fixed = b.clone();
        is_gradient(&a, &da, |a| dot(forward(&mut a.to_vec(), a_dims, &mut fixed, b_dims, dims)));
        let mut fixed = a.clone();
        is_gradient(&b, &db, |b| dot(forward(&mut fixed, a_dims, &mut b.to_vec(), b_dims, dims)));
    }
}

#[test]
fn a_written_output_may_be_an_input() {
    let n = 1000;
    let (a, b) = (floats(n, 1), floats(n, 2));
    let (mut x, mut y) = (a.clone(), b.clone());
    // Swap, through one pass.
    let program = Program { instrs: &[Instr::Input(0), Instr::Input(1)], outputs: &[1, 0] };
    let (xv, yv) = (view(&mut x, &[n]), view(&mut y, &[n]));
    Device::cpu().map(&program, &[], &[xv, yv], &[Grad::write(xv), Grad::write(yv)]);
    assert_eq!((x, y), (b, a));
}

#[test]
fn integers_and_bools_are_inputs_and_outputs() {
    let device = Device::cpu();
    let (mut ids, mut x, mut mask) =
        (vec![0i32, 3, 0, 2_000_000_001], vec![0.5f32, -1.5, 2.5, 3.5], vec![9u8; 4]);
    let ids = view(&mut ids, &[4]);
    // SAFETY: bytes, alive for the test.
    let masked = unsafe { View::new(mask.as_mut_ptr(), Shape::of(&[4]), DType::Bool) };
    let not_zero = [Instr::Input(0), Instr::Const(0.0), Instr::Binary(Binary::NotEqual, 0, 1)];
    device.map(&Program { instrs: &not_zero, outputs: &[2] }, &[], &[ids], &[Grad::write(masked)]);
    assert_eq!(mask, [0, 1, 0, 1]);
    let xv = view(&mut x, &[4]);
    let select = [Instr::Input(0), Instr::Input(1), Instr::Const(-1.0), Instr::Select(0, 1, 2)];
    device.map(&Program { instrs: &select, outputs: &[3] }, &[], &[masked, xv], &[Grad::write(xv)]);
    assert_eq!(x, [-1.0, -1.5, -1.0, 3.5]);
    // Truncation, and no bit of an integer lost.
    let mut whole = vec![0i32; 4];
    let copy = Program { instrs: &[Instr::Input(0)], outputs: &[0] };
    let to = Grad::write(view(&mut whole, &[4]));
    device.map(&copy, &[], &[view(&mut x, &[4])], &[to]);
    assert_eq!(whole, [-1, -1, -1, 3]);
    let to = Grad::write(view(&mut whole, &[4]));
    device.map(&copy, &[], &[ids], &[to]);
    assert_eq!(whole[3], 2_000_000_001);
}

#[test]
#[should_panic(expected = "do not broadcast")]
fn shapes_that_do_not_broadcast_are_caught() {
    run_shapes(&[2, 3], &[2]);
}

fn run_shapes(a: &[usize], b: &[usize]) {
    let size = |dims: &[usize]| dims.iter().product::<usize>();
    let (mut x, mut y) = (vec![0f32; size(a)], vec![0f32; size(b)]);
    let copy = Program { instrs: &[Instr::Input(0)], outputs: &[0] };
    Device::cpu().map(&copy, &[], &[view(&mut x, a)], &[Grad::write(view(&mut y, b))]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let instrs =
        [Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Mul, 0, 1), Instr::Unary(Unary::Exp, 2)];
    let program = Program { instrs: &instrs, outputs: &[3, 3, 3] };
    same_on_any_threads(|device| {
        let (mut x, mut row) = (floats(300_000, 1), floats(300, 2));
        let (mut y, mut columns, mut sum) = (vec![0f32; 300_000], vec![0f32; 300], vec![0f32]);
        let inputs = [view(&mut x, &[1000, 300]), view(&mut row, &[300])];
        let outputs = [view(&mut y, &[1000, 300]), view(&mut columns, &[300]), view(&mut sum, &[])];
        device.map(&program, &[], &inputs, &outputs.map(Grad::write));
        [y, columns, sum].concat()
    });
}
