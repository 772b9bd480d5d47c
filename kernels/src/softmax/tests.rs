use crate::testing::{close, floats, numbers, same_on_any_threads, view};
use crate::{Device, Grad};

/// The definition, in 64 bits.
fn plain(x: &[f64], [outer, n, inner]: [usize; 3]) -> Vec<f64> {
    let mut y = vec![0.0; x.len()];
    for (o, i) in (0..outer).flat_map(|o| (0..inner).map(move |i| (o, i))) {
        let at = |j: usize| (o * n + j) * inner + i;
        let max = (0..n).map(|j| x[at(j)]).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = (0..n).map(|j| (x[at(j)] - max).exp()).sum();
        (0..n).for_each(|j| y[at(j)] = (x[at(j)] - max).exp() / sum);
    }
    y
}

#[test]
fn softmax_is_its_definition_for_all_shapes() {
    let device = Device::cpu();
    for dims in [[1, 1, 1], [7, 3, 1], [5, 10, 1], [3, 257, 1], [2, 5, 70], [33, 16, 1], [4, 17, 3]] {
        let n = dims.iter().product();
        let x: Vec<f64> = numbers(n, 4).iter().map(|x| x * 20.0).collect();
        let expected = plain(&x, dims);
        let (mut a, mut y) = (x.clone(), vec![0.0; n]);
        device.softmax(view(&mut a, &dims), 1, view(&mut y, &dims));
        close(&y, &expected, 1e-14);
        device.log_softmax(view(&mut a, &dims), 1, view(&mut y, &dims));
        close(&y, &expected.iter().map(|y| y.ln()).collect::<Vec<_>>(), 1e-13);
        // In place, in 32 bits.
        let mut x32: Vec<f32> = x.iter().map(|x| *x as f32).collect();
        let rounded: Vec<f64> = x32.iter().map(|x| f64::from(*x)).collect();
        let both = view(&mut x32, &dims);
        device.softmax(both, 1, both);
        let found: Vec<f64> = x32.iter().map(|x| f64::from(*x)).collect();
        close(&found, &plain(&rounded, dims), 16.0 * f64::from(f32::EPSILON));
    }
}

#[test]
fn large_logits_do_not_overflow() {
    let mut x = vec![1000.0f32, 1000.0, -1000.0, f32::NEG_INFINITY];
    let both = view(&mut x, &[1, 4]);
    Device::cpu().softmax(both, 1, both);
    assert_eq!(x, [0.5, 0.5, 0.0, 0.0]);
}

#[test]
fn the_gradient_may_overwrite_what_it_is_of() {
    let device = Device::cpu();
    for dims in [[4, 300, 1], [2, 5, 7]] {
        let n = dims.iter().product();
        let (mut y, mut dy, mut dx) = (plain(&numbers(n, 1), dims), numbers(n, 2), vec![0.0; n]);
        let (yv, dyv) = (view(&mut y, &dims), view(&mut dy, &dims));
        device.softmax_grad(yv, dyv, 1, Grad::write(view(&mut dx, &dims)));
        device.softmax_grad(yv, dyv, 1, Grad::write(dyv));
        assert_eq!(dx, dy);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for dims in [[3000, 10, 1], [40, 1000, 1], [4, 100, 100]] {
        let n = dims.iter().product();
        same_on_any_threads(|device| {
            let (mut x, mut y) = (floats(n, 1), vec![0.0; n]);
            device.softmax(view(&mut x, &dims), 1, view(&mut y, &dims));
            y
        });
    }
}
