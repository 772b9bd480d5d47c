use super::super::cpu::kernel_grad_by_definition;
use super::super::tests::{endings, image, numbers, plain_ending, view};
use super::super::{Conv, Epilogue, plain};
use super::{Pass, Turn, kernel_grad, pack};
use crate::matmul::tile::{Isa, Tiled};
use crate::{Cpu, Device, Grad, Mode};

/// The largest error that is allowed, as a part of the largest output.
const BOUND: f64 = 1e-5;

fn cases() -> Vec<Conv> {
    let padded = |p: usize, conv: Conv| Conv { padding: [p, p, 0], ..conv };
    vec![
        // Whole tiles, and one column more than a panel.
        image(10, 8, 3, 16, 33),
        padded(1, image(13, 13, 3, 40, 17)),
        // Channels and columns that no vector divides, and several blocks of tiles.
        padded(1, Conv { batch: 3, ..image(23, 23, 3, 19, 70) }),
        padded(2, image(9, 11, 3, 16, 32)),
        Conv { input: [5, 30, 1], output: [4, 29, 1], padding: [1, 1, 0], ..image(1, 1, 3, 24, 22) },
        // So many channels that a task takes half the tiles.
        padded(1, image(14, 14, 3, 300, 16)),
        // So many tiles that a kernel's gradient is summed in parts, the last block of tiles in each smaller.
        padded(1, Conv { batch: 3, ..image(40, 40, 3, 17, 35) }),
    ]
}

/// The error of `found`, as a part of the largest of `expected`.
fn error(found: &[f32], expected: &[f64]) -> f64 {
    let largest = expected.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let errors = found.iter().zip(expected).map(|(found, expected)| (f64::from(*found) - expected).abs());
    errors.fold(0.0, f64::max) / largest
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|v| f64::from(*v)).collect()
}

/// All passes on one instruction set against the definition in 64 bits.
fn check(isa: Isa<f32>, conv: &Conv) -> f64 {
    let aligned = conv.aligned();
    let (nx, nk, ny) = aligned.sizes();
    let (mut x, mut kernel, mut bias) =
        (numbers::<f32>(nx, 1), numbers::<f32>(nk, 2), numbers::<f32>(conv.filters, 3));
    let (mut wide_x, mut wide_kernel) = (wide(&x), wide(&kernel));
    let (x, kernel, bias) = (view(&mut x), view(&mut kernel), view(&mut bias));
    let (wide_x, wide_kernel) = (view(&mut wide_x), view(&mut wide_kernel));

    let mut sums = vec![0.0; ny];
    plain::forward::<f64>(conv, wide_x, wide_kernel, None, view(&mut sums));
    let mut packed = vec![f32::NAN; conv.packed_len()];
    let packed = view(&mut packed);
    pack(isa, &aligned, Turn::Forward, kernel, packed);
    let mut y = vec![f32::NAN; ny];
    let (mut scale, mut residual) = (numbers(conv.filters, 6), numbers(ny, 7));
    let mut forward = 0f64;
    for (_, ends, f) in endings::<f32>(&mut scale, bias, &mut residual, view(&mut y)) {
        if ends.rest().is_some() {
            continue;
        }
        y.copy_from_slice(&numbers(ny, 8));
        // What is added may be the result's memory, so it is read first.
        let narrow: Vec<f32> = sums.iter().map(|v| *v as f32).collect();
        let expected = wide(&plain_ending(&narrow, &ends, f));
        Pass { conv: &aligned, x, packed, epilogue: &ends, y: view(&mut y) }.run(isa);
        // Relative to the sums, since an ending may make them small.
        let largest = |values: &[f64]| values.iter().fold(0.0f64, |most, v| most.max(v.abs()));
        forward = forward.max(error(&y, &expected) * (largest(&expected) / largest(&sums)).min(1.0));
    }

    let mut dy = numbers::<f32>(ny, 4);
    let mut wide_dy = wide(&dy);
    let before = numbers::<f32>(nx, 5);
    let (mut expected, mut dx) = (wide(&before), before);
    plain::data_grad::<f64>(conv, view(&mut wide_dy), wide_kernel, Grad::add(view(&mut expected)));
    let mut scratch = vec![f32::NAN; conv.data_grad_scratch_len()];
    let packed = view(&mut scratch);
    pack(isa, &aligned, Turn::Backward, kernel, packed);
    let (back, to) = (aligned.backwards(), Grad::add(view(&mut dx)));
    Pass { conv: &back, x: view(&mut dy), packed, epilogue: &to.epilogue(), y: to.view }.run(isa);
    let backward = error(&dx, &expected);

    let before = numbers::<f32>(nk, 6);
    let mut largest = forward.max(backward);
    for adds in [false, true] {
        let (mut expected, mut dkernel) =
            if adds { (wide(&before), before.clone()) } else { (vec![f64::NAN; nk], vec![f32::NAN; nk]) };
        let mode = if adds { Mode::Add } else { Mode::Write };
        plain::kernel_grad::<f64>(conv, wide_x, view(&mut wide_dy), Grad { view: view(&mut expected), mode });
        kernel_grad(isa, &aligned, x, view(&mut dy), Grad { view: view(&mut dkernel), mode });
        largest = largest.max(error(&dkernel, &expected));
    }
    largest
}

#[test]
fn the_error_has_a_bound() {
    for conv in cases() {
        for isa in <f32 as Tiled>::all() {
            let error = check(isa, &conv);
            assert!(error <= BOUND, "{}, {conv:?}: {error:e}", isa.name);
        }
    }
}

/// What the device makes of all passes, with everything that it may use.
fn on(device: &Device, conv: &Conv) -> [Vec<f32>; 3] {
    let (nx, nk, ny) = conv.aligned().sizes();
    let (mut x, mut kernel, mut dy) = (numbers::<f32>(nx, 1), numbers::<f32>(nk, 2), numbers::<f32>(ny, 3));
    let (x, kernel, dy) = (view(&mut x), view(&mut kernel), view(&mut dy));
    let (mut packed, mut scratch) = (vec![0f32; conv.packed_len()], vec![0f32; conv.data_grad_scratch_len()]);
    let (packed, scratch) = (view(&mut packed), view(&mut scratch));
    let (mut y, mut dx, mut dkernel) = (vec![0f32; ny], vec![0f32; nx], vec![0f32; nk]);
    device.install(usize::MAX, &mut || {
        device.conv_pack(conv, kernel, packed);
        device.conv(conv, x, kernel, Some(packed), &Epilogue::NONE, view(&mut y));
        device.conv_data_grad(conv, dy, kernel, Some(scratch), Grad::write(view(&mut dx)));
        device.conv_kernel_grad(conv, x, dy, Grad::write(view(&mut dkernel)));
    });
    [y, dx, dkernel]
}

#[test]
fn an_exact_device_computes_by_the_definition() {
    for conv in cases() {
        let aligned = conv.aligned();
        let (nx, nk, ny) = aligned.sizes();
        let (mut x, mut kernel, mut dy) =
            (numbers::<f32>(nx, 1), numbers::<f32>(nk, 2), numbers::<f32>(ny, 3));
        let (x, kernel, dy) = (view(&mut x), view(&mut kernel), view(&mut dy));
        let (mut y, mut dx, mut dkernel) = (vec![0f32; ny], vec![0f32; nx], vec![0f32; nk]);
        let device = Device::from(Cpu::new().exact());
        device.conv(&conv, x, kernel, None, &Epilogue::NONE, view(&mut y));
        device.conv_data_grad(&conv, dy, kernel, None, Grad::write(view(&mut dx)));
        kernel_grad_by_definition(<f32 as Tiled>::isa(), &aligned, x, dy, Grad::write(view(&mut dkernel)));
        assert_eq!(on(&device, &conv), [y, dx, dkernel], "{conv:?}");
    }
}

#[test]
fn threads_do_not_change_a_bit_of_tiles() {
    for conv in cases() {
        let run = |threads| on(&Device::cpu_with_threads(threads), &conv);
        assert_eq!(run(1), run(3), "{conv:?}");
    }
}

#[test]
fn other_convolutions_have_no_packed_form() {
    let conv = image(10, 8, 3, 16, 32);
    assert_eq!(conv.packed_len(), 36 * 16 * 32);
    for other in [
        image(10, 8, 3, 15, 64),
        image(10, 6, 5, 16, 32),
        image(4, 2, 3, 16, 32),
        Conv { strides: [2, 2, 1], ..conv },
        Conv { dilation: [2, 1, 1], ..conv },
        Conv { groups: 2, ..conv },
        Conv { rank: 3, kernel: [3; 3], ..conv },
        Conv { rank: 1, ..conv },
    ] {
        assert_eq!((other.packed_len(), other.data_grad_scratch_len()), (0, 0), "{other:?}");
    }
}
