use super::cpu::{pack_all, product};
use super::plain::plain;
use super::tile::Tiled;
use super::{Epilogue, Gemm, Strides, packed_len};
use crate::activation::Activation;
use crate::{Device, Element, Grad, Shape, View};

/// Numbers in -1..1 without a pattern that tiles could repeat.
fn numbers<T: Element>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            T::from_f64((state >> 40) as f64 / (1u64 << 23) as f64 - 1.0)
        })
        .collect()
}

fn view<T: Element>(data: &mut [T]) -> View {
    // SAFETY: the vectors below outlive the calls.
    unsafe { View::of(data, Shape::of(&[data.len()])) }
}

/// Compares the tiles of every instruction set with the plain product.
fn check<T: Tiled>(gemm: &Gemm, sizes: [usize; 3], bias: bool, activation: Activation, adds: bool) {
    let (mut a, mut b) = (numbers::<T>(sizes[0], 1), numbers::<T>(sizes[1], 2));
    let mut bias = bias.then(|| numbers::<T>(gemm.n, 3));
    let before = numbers::<T>(sizes[2], 4);
    let grad = |c: &mut [T]| if adds { Grad::add(view(c)) } else { Grad::write(view(c)) };
    let mut expected = before.clone();
    let bias = bias.as_mut().map(|bias| view(bias));
    plain::<T>(gemm, view(&mut a), view(&mut b), bias, grad(&mut expected));
    // Each of k roundings is at most half a unit in the last place of a partial sum below 2 sqrt(k) or so.
    let unit = if T::DTYPE == crate::DType::F32 { f32::EPSILON as f64 } else { f64::EPSILON };
    let tolerance = unit * (gemm.k as f64 + 4.0) * gemm.alpha.abs().max(1.0);
    for isa in T::all() {
        let mut found = before.clone();
        let to = grad(&mut found);
        let epilogue = Epilogue { bias, activation, ..to.epilogue() };
        product(isa, gemm, view(&mut a), view(&mut b), &epilogue, to.view);
        for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let (found, mut expected) = (Element::to_f64(*found), Element::to_f64(*expected));
            if activation == Activation::RELU {
                expected = expected.max(0.0);
            }
            let error = (found - expected).abs();
            assert!(error <= tolerance, "{} {gemm:?}: {found} for {expected} at {i}", isa.name);
        }
    }
}

fn check_all<T: Tiled>(gemm: &Gemm, sizes: [usize; 3]) {
    check::<T>(gemm, sizes, false, Activation::Linear, false);
    check::<T>(gemm, sizes, false, Activation::Linear, true);
    check::<T>(gemm, sizes, true, Activation::Linear, false);
}

#[test]
fn every_remainder_of_every_tile() {
    for m in (1..=15).chain([28, 29, 43]) {
        for n in [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 65, 127, 128, 200] {
            for k in [1, 5, 16] {
                let gemm = Gemm { alpha: 0.5, ..Gemm::new(m, n, k) };
                let sizes = [m * k, k * n, m * n];
                check_all::<f32>(&gemm, sizes);
                check_all::<f64>(&gemm, sizes);
                check::<f32>(&gemm, sizes, true, Activation::RELU, false);
                check_all::<f32>(&gemm.a_transposed(), sizes);
                check_all::<f64>(&gemm.b_transposed(), sizes);
                check_all::<f32>(&gemm.a_transposed().b_transposed(), sizes);
            }
        }
    }
}

#[test]
fn long_sums_and_wide_rows_are_cut() {
    for (m, n, k) in [(30, 70, 1100), (3, 300, 513), (300, 40, 20), (20, 600, 33), (21, 45, 3300)] {
        let gemm = Gemm::new(m, n, k);
        let sizes = [m * k, k * n, m * n];
        check_all::<f32>(&gemm, sizes);
        check_all::<f32>(&gemm.b_transposed(), sizes);
        check::<f32>(&gemm, sizes, true, Activation::RELU, false);
        check_all::<f64>(&gemm.a_transposed(), sizes);
    }
}

/// Attention's product: heads interleaved in the rows, C transposed.
#[test]
fn batches_and_scattered_columns() {
    let (outer, inner, m, n, k) = (2, 3, 5, 19, 4);
    let gemm = Gemm {
        batch: [outer, inner],
        a: Strides { batch: [m * inner * k, k], row: inner * k, col: 1 },
        b: Strides { batch: [n * inner * k, k], row: 1, col: inner * k },
        c: Strides { batch: [inner * m * n, m * n], row: 1, col: m },
        ..Gemm::new(m, n, k)
    };
    let sizes = [outer * inner * m * k, outer * inner * n * k, outer * inner * m * n];
    check_all::<f32>(&gemm, sizes);
    check_all::<f64>(&gemm, sizes);
    // One B for all.
    let gemm = Gemm { b: Strides::rows(n), c: Strides::rows(n).batched(inner * m * n, m * n), ..gemm };
    check_all::<f32>(&gemm, sizes);
}

#[test]
fn an_empty_sum_is_the_bias() {
    let gemm = Gemm::new(3, 20, 0);
    check_all::<f32>(&gemm, [0, 0, 60]);
}

#[test]
fn a_nan_passes_relu() {
    for isa in f32::all() {
        let (mut a, mut b, mut c) = ([f32::NAN, 1.0], [1.0f32; 20], [0.0f32; 20]);
        let gemm = Gemm::new(1, 10, 2);
        let epilogue = Epilogue::new(None, Activation::RELU);
        product(isa, &gemm, view(&mut a), view(&mut b), &epilogue, view(&mut c));
        assert!(c[..10].iter().all(|c| c.is_nan()), "{}", isa.name);
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let (m, n, k) = (300, 130, 700);
    let (mut a, mut b) = (numbers::<f32>(m * k, 1), numbers::<f32>(k * n, 2));
    let mut run = |threads| {
        let mut c = vec![0.0f32; m * n];
        let (device, gemm) = (Device::cpu_with_threads(threads), Gemm::new(m, n, k));
        let (va, vb, vc) = (view(&mut a), view(&mut b), Grad::write(view(&mut c)));
        device.install(usize::MAX, &mut || device.gemm(&gemm, va, vb, None, Activation::Linear, vc));
        c
    };
    assert_eq!(run(1), run(4));
}

/// The product with a packed B beside that with B itself, on every instruction set: bit for bit, and close to the plain one.
fn check_packed<T: Tiled>(gemm: &Gemm, sizes: [usize; 3], epilogue: (bool, Activation, bool)) {
    let (mut a, mut b) = (numbers::<T>(sizes[0], 1), numbers::<T>(sizes[1], 2));
    let (with_bias, activation, adds) = epilogue;
    let mut bias = numbers::<T>(gemm.n, 3);
    let bias = with_bias.then(|| view(&mut bias));
    let before = numbers::<T>(sizes[2], 4);
    let grad = |c: &mut [T]| if adds { Grad::add(view(c)) } else { Grad::write(view(c)) };
    // Of a batch B has one matrix for each outer index.
    let (outer, len) = (gemm.batch[0], packed_len(gemm.n, gemm.k));
    for isa in T::all() {
        let mut found = [before.clone(), before.clone()];
        let to = found.each_mut().map(|found| grad(found));
        let [first, second] = to.map(|to| Epilogue { bias, activation, ..to.epilogue() });
        product(isa, gemm, view(&mut a), view(&mut b), &first, to[0].view);
        // What the machine does not fill must not be read.
        let mut packed = vec![T::from_f64(f64::NAN); outer * len];
        for (i, packed) in packed.chunks_exact_mut(len.max(1)).enumerate() {
            let from = view(&mut b[i * gemm.b.batch[0]..]);
            pack_all(isa, gemm.n, gemm.k, gemm.b, from, view(packed));
        }
        let ready = gemm.b_packed([len, 0]);
        product(isa, &ready, view(&mut a), view(&mut packed), &second, to[1].view);
        let [expected, found] =
            found.map(|c| c.iter().map(|c| Element::to_f64(*c).to_bits()).collect::<Vec<_>>());
        assert!(found == expected, "{} {gemm:?}", isa.name);
    }
}

#[test]
fn a_packed_side_changes_no_bit() {
    let run = |gemm: &Gemm, sizes: [usize; 3]| {
        for epilogue in [
            (false, Activation::Linear, false),
            (false, Activation::Linear, true),
            (true, Activation::RELU, false),
        ] {
            check_packed::<f32>(gemm, sizes, epilogue);
            check_packed::<f64>(gemm, sizes, epilogue);
        }
    };
    for m in [1, 2, 3, 5, 14, 15, 31] {
        for n in [1, 7, 8, 9, 16, 17, 32, 33, 47, 65, 129, 200] {
            for k in [0, 1, 8, 13, 37] {
                let gemm = Gemm { alpha: 0.5, ..Gemm::new(m, n, k) };
                let sizes = [m * k, k * n, m * n];
                run(&gemm, sizes);
                run(&gemm.b_transposed(), sizes);
            }
        }
    }
    // Long sums, several tasks, wide rows.
    for (m, n, k) in [(30, 70, 1100), (3, 600, 513), (300, 300, 20)] {
        run(&Gemm::new(m, n, k), [m * k, k * n, m * n]);
        run(&Gemm::new(m, n, k).b_transposed(), [m * k, k * n, m * n]);
    }
    // The gates of a recurrent layer: columns of one kernel.
    let (gates, m, units) = (4, 5, 19);
    let b = Strides { batch: [units, 0], row: gates * units, col: 1 };
    let c = Strides::rows(units).batched(m * units, 0);
    let gemm = Gemm { batch: [gates, 1], b, c, ..Gemm::new(m, units, units) };
    run(&gemm, [m * units, units * units * gates, gates * m * units]);
}

#[test]
fn packing_on_threads_changes_no_bit() {
    let (n, k) = (700, 300);
    let mut b = numbers::<f32>(n * k, 2);
    let mut run = |threads, layout| {
        let mut packed = vec![0.0f32; packed_len(n, k)];
        let (device, from, to) = (Device::cpu_with_threads(threads), view(&mut b), view(&mut packed));
        device.install(usize::MAX, &mut || device.pack_b(n, k, layout, from, to));
        packed
    };
    assert_eq!(run(1, Strides::rows(n)), run(4, Strides::rows(n)));
    assert_eq!(run(1, Strides::transposed(k)), run(4, Strides::transposed(k)));
    assert!(run(1, Strides::rows(n)) != run(1, Strides::transposed(k)));
}
