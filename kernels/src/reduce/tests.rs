use super::{Axes, Reduce};
use crate::testing::{close, floats, numbers, same_on_any_threads, view};
use crate::{Device, Grad, Shape};

/// The definition: elements of each output, in order, to a function of them.
fn plain(x: &[f64], dims: &[usize], axes: Axes, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let shape = Shape::of(dims);
    let kept: Vec<usize> = (0..dims.len()).filter(|a| !axes.has(*a)).collect();
    let mut groups = vec![Vec::new(); kept.iter().map(|a| dims[*a]).product()];
    for (i, x) in x.iter().enumerate() {
        let out = kept.iter().fold(0, |out, a| out * dims[*a] + i / shape.strides()[*a] % dims[*a]);
        groups[out].push(*x);
    }
    groups.iter().map(|g| f(g)).collect()
}

fn expected(kind: Reduce, group: &[f64]) -> f64 {
    let arg = |better: fn(f64, f64) -> bool| {
        (0..group.len()).fold(0, |best, i| if better(group[i], group[best]) { i } else { best }) as f64
    };
    match kind {
        Reduce::Sum => group.iter().sum(),
        Reduce::Mean => group.iter().sum::<f64>() / group.len() as f64,
        Reduce::Prod => group.iter().product(),
        Reduce::Max => group.iter().fold(f64::NEG_INFINITY, |a, b| a.max(*b)),
        Reduce::Min => group.iter().fold(f64::INFINITY, |a, b| a.min(*b)),
        Reduce::LogSumExp => group.iter().map(|x| x.exp()).sum::<f64>().ln(),
        Reduce::ArgMax => arg(|a, b| a > b),
        Reduce::ArgMin => arg(|a, b| a < b),
    }
}

const KINDS: [Reduce; 6] =
    [Reduce::Sum, Reduce::Mean, Reduce::Prod, Reduce::Max, Reduce::Min, Reduce::LogSumExp];

#[test]
fn every_reduction_is_its_definition_over_any_axes() {
    let device = Device::cpu();
    let cases: [(&[usize], &[usize]); 12] = [
        (&[5, 7], &[0]),
        (&[5, 7], &[1]),
        (&[5, 7], &[0, 1]),
        (&[5, 7], &[]),
        (&[3, 4, 5, 6], &[0, 2]),
        (&[3, 4, 5, 6], &[1, 3]),
        (&[3, 1, 5, 6], &[0, 1, 2]),
        (&[2, 600], &[1]),
        (&[9, 600], &[0]),
        (&[40_000, 3], &[0]),
        (&[100_003], &[0]),
        (&[300, 2, 100], &[0, 2]),
    ];
    for (dims, over) in cases {
        let axes = over.iter().fold(Axes::NONE, |a, b| a.with(*b));
        let n = dims.iter().product();
        // Near one, so that products stay in range.
        let mut x: Vec<f64> = numbers(n, 9).iter().map(|x| 1.0 + x * 1e-3).collect();
        let mut x32: Vec<f32> = x.iter().map(|x| *x as f32).collect();
        let wide: Vec<f64> = x32.iter().map(|x| f64::from(*x)).collect();
        for kind in KINDS {
            println!("{kind:?} of {dims:?} over {over:?}");
            let correct = plain(&x, dims, axes, |g| expected(kind, g));
            let m = correct.len();
            let mut y = vec![f64::NAN; m];
            device.reduce(kind, axes, view(&mut x, dims), Grad::write(view(&mut y, &[m])));
            close(&y, &correct, 1e-12);
            let mut y = vec![1.0; m];
            device.reduce(kind, axes, view(&mut x, dims), Grad::add(view(&mut y, &[m])));
            close(&y, &correct.iter().map(|y| y + 1.0).collect::<Vec<_>>(), 1e-12);
            let mut y = vec![f32::NAN; m];
            device.reduce(kind, axes, view(&mut x32, dims), Grad::write(view(&mut y, &[m])));
            let correct = plain(&wide, dims, axes, |g| expected(kind, g));
            let found: Vec<f64> = y.iter().map(|y| f64::from(*y)).collect();
            let tolerance = if kind == Reduce::LogSumExp { 64.0 } else { 1.0 } * f64::from(f32::EPSILON);
            close(&found, &correct, tolerance);
        }
        if over.len() == 1 {
            for kind in [Reduce::ArgMax, Reduce::ArgMin] {
                let correct = plain(&wide, dims, axes, |g| expected(kind, g));
                let mut y = vec![-1i32; correct.len()];
                let target = Grad::write(view(&mut y, &[correct.len()]));
                device.reduce(kind, axes, view(&mut x32, dims), target);
                assert_eq!(y, correct.iter().map(|y| *y as i32).collect::<Vec<_>>(), "{kind:?} {dims:?}");
            }
        }
    }
}

#[test]
fn ties_go_to_the_first_and_nan_wins() {
    let mut x: Vec<f32> = [vec![1.0; 40], vec![2.0; 40]].concat();
    let mut y = vec![0i32];
    let device = Device::cpu();
    let axis = Axes::NONE.with(0);
    device.reduce(Reduce::ArgMax, axis, view(&mut x, &[80]), Grad::write(view(&mut y, &[])));
    assert_eq!(y, [40]);
    device.reduce(Reduce::ArgMin, axis, view(&mut x, &[80]), Grad::write(view(&mut y, &[])));
    assert_eq!(y, [0]);
    x[17] = f32::NAN;
    device.reduce(Reduce::ArgMax, axis, view(&mut x, &[80]), Grad::write(view(&mut y, &[])));
    assert_eq!(y, [17]);
    let mut max = vec![0f32];
    device.reduce(Reduce::Max, axis, view(&mut x, &[80]), Grad::write(view(&mut max, &[])));
    assert!(max[0].is_nan());
}

#[test]
fn log_sum_exp_neither_overflows_nor_loses_infinities() {
    let device = Device::cpu();
    let (axis, inf) = (Axes::NONE.with(0), f32::INFINITY);
    for (mut x, correct) in [
        (vec![1000f32, 1000.0], 1000.0 + 2f32.ln()),
        (vec![-inf, -1000.0], -1000.0),
        (vec![-inf, -inf], -inf),
        (vec![inf, 0.0], inf),
    ] {
        let mut y = vec![0f32];
        device.reduce(Reduce::LogSumExp, axis, view(&mut x, &[2]), Grad::write(view(&mut y, &[])));
        assert_eq!(y[0], correct);
    }
}

#[test]
fn integers_are_reduced_exactly() {
    let mut x: Vec<i32> = (0..6).map(|i| 100_000_007 * i).collect();
    let mut y = vec![0i32; 2];
    let rows = Axes::NONE.with(1);
    Device::cpu().reduce(Reduce::Max, rows, view(&mut x, &[2, 3]), Grad::write(view(&mut y, &[2])));
    assert_eq!(y, [200_000_014, 500_000_035]);
    Device::cpu().reduce(Reduce::Sum, rows, view(&mut x, &[2, 3]), Grad::write(view(&mut y, &[2])));
    assert_eq!(y, [300_000_021, 1_200_000_084]);
}

#[test]
fn threads_do_not_change_a_bit() {
    for (dims, axis) in [([200_000, 1], 0), ([400, 500], 0), ([400, 500], 1), ([60_000, 4], 0)] {
        same_on_any_threads(|device| {
            let n = dims[1 - axis];
            let (mut x, mut y) = (floats(dims[0] * dims[1], 3), vec![0f32; n]);
            let target = Grad::write(view(&mut y, &[n]));
            device.reduce(Reduce::Sum, Axes::NONE.with(axis), view(&mut x, &dims), target);
            y
        });
    }
}
