use super::{Conv, Epilogue, kernel_grad, plain, strips, windows};
use crate::activation::Activation;
use crate::matmul::tile::Tiled;
use crate::{Cpu, Device, Element, Grad, Shape, View};

/// Numbers in -1..1 without a pattern that tiles could repeat.
pub(super) fn numbers<T: Element>(len: usize, seed: u64) -> Vec<T> {
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

pub(super) fn view<T: Element>(data: &mut [T]) -> View {
    // SAFETY: the vectors below outlive the calls.
    unsafe { View::of(data, Shape::of(&[data.len()])) }
}

#[track_caller]
fn close<T: Element>(what: &str, conv: &Conv, terms: usize, found: &[T], expected: &[T]) {
    // Each of so many roundings is at most half a unit in the last place of a partial sum.
    let unit = if T::DTYPE == crate::DType::F32 { f32::EPSILON as f64 } else { f64::EPSILON };
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let (found, expected) = (Element::to_f64(*found), Element::to_f64(*expected));
        let error = (found - expected).abs();
        assert!(error <= unit * (terms as f64 + 4.0), "{what} {conv:?}: {found} for {expected} at {i}");
    }
}

/// Endings of a convolution to `y`, each with its name and its activation.
pub(super) fn endings<T: Element>(
    scale: &mut [T],
    bias: View,
    residual: &mut [T],
    y: View,
) -> Vec<(&'static str, Epilogue, fn(f64) -> f64)> {
    let (scale, residual) = (Some(view(scale)), Some(view(residual)));
    let bias = Some(bias);
    let most = |most: f64| Activation::Relu { max_value: most, negative_slope: 0.0, threshold: 0.0 };
    vec![
        ("alone", Epilogue::NONE, |v| v),
        ("with a bias", Epilogue::new(bias, Activation::Linear), |v| v),
        ("clipped below", Epilogue::new(bias, Activation::RELU), |v| v.max(0.0)),
        ("scaled and clipped", Epilogue { scale, ..Epilogue::new(bias, most(0.5)) }, |v| v.clamp(0.0, 0.5)),
        ("with all", Epilogue { scale, bias, residual, activation: Activation::RELU }, |v| v.max(0.0)),
        ("added to itself", Epilogue { scale, residual: Some(y), ..Epilogue::NONE }, |v| v),
        (
            "bent",
            Epilogue { residual, ..Epilogue::new(None, Activation::LeakyRelu { negative_slope: 0.25 }) },
            |v| v.max(0.25 * v),
        ),
    ]
}

/// What an ending makes of sums.
pub(super) fn plain_ending<T: Element>(sums: &[T], ends: &Epilogue, f: fn(f64) -> f64) -> Vec<T> {
    // SAFETY: nobody writes to them meanwhile.
    let numbers = |view: Option<View>| view.map(|view| unsafe { view.slice::<T>().to_vec() });
    let (scale, bias, residual) = (numbers(ends.scale), numbers(ends.bias), numbers(ends.residual));
    let filters = scale.as_ref().or(bias.as_ref()).map_or(1, Vec::len);
    let wide =
        |from: &Option<Vec<T>>, at: usize, other| from.as_ref().map_or(other, |v| Element::to_f64(v[at]));
    let end = |(i, sum): (usize, &T)| {
        let value = Element::to_f64(*sum) * wide(&scale, i % filters, 1.0) + wide(&bias, i % filters, 0.0);
        T::from_f64(f(value + wide(&residual, i, 0.0)))
    };
    sums.iter().enumerate().map(end).collect()
}

/// Compares every pass, through the device and on every instruction set, with the plain ones.
fn check<T: Tiled>(conv: &Conv) {
    let aligned = conv.aligned();
    let (nx, nk, ny) = aligned.sizes();
    let (mut x, mut kernel, mut dy) = (numbers::<T>(nx, 1), numbers::<T>(nk, 2), numbers::<T>(ny, 3));
    let mut bias = numbers::<T>(conv.filters, 4);
    let (x, kernel, dy, bias) = (view(&mut x), view(&mut kernel), view(&mut dy), view(&mut bias));
    // Tiles have tests of their own.
    let device = Device::from(Cpu::with_threads(2).exact());
    let taps: usize = aligned.kernel.iter().product();
    let depthwise = conv.groups > 1 && conv.groups == conv.channels;

    let mut sums = vec![T::zero(); ny];
    plain::forward::<T>(conv, x, kernel, None, view(&mut sums));
    let terms = taps * conv.channels / conv.groups;
    let mut y = numbers::<T>(ny, 5);
    let (mut scale, mut residual) = (numbers::<T>(conv.filters, 8), numbers::<T>(ny, 9));
    for (what, ends, f) in endings(&mut scale, bias, &mut residual, view(&mut y)) {
        let in_place = ends.residual.is_some_and(|residual| residual.address() == view(&mut y).address());
        let before = if in_place { numbers(ny, 5) } else { vec![T::from_f64(f64::NAN); ny] };
        y.copy_from_slice(&before);
        let expected = plain_ending(&sums, &ends, f);
        let run = |y: &mut Vec<T>, work: &dyn Fn(View)| {
            y.copy_from_slice(&before);
            work(view(y));
        };
        run(&mut y, &|y| device.conv(conv, x, kernel, None, &ends, y));
        close(what, conv, 2 * terms, &y, &expected);
        for isa in T::all().into_iter().filter(|_| !depthwise && ends.rest().is_none()) {
            run(&mut y, &|y| windows::forward(isa, &aligned, x, kernel, &ends, y));
            close(isa.name, conv, 2 * terms, &y, &expected);
            if aligned.suits_strips() {
                run(&mut y, &|y| strips::forward(isa, &aligned, x, kernel, &ends, y));
                close(isa.name, conv, 2 * terms, &y, &expected);
            }
        }
    }

    for adds in [false, true] {
        let grad = |to: &mut [T]| if adds { Grad::add(view(to)) } else { Grad::write(view(to)) };
        let before = if adds { numbers::<T>(nx, 6) } else { vec![T::from_f64(f64::NAN); nx] };
        let (mut expected, mut dx) = (before.clone(), before.clone());
        let terms = taps * conv.filters / conv.groups;
        plain::data_grad::<T>(conv, dy, kernel, grad(&mut expected));
        device.conv_data_grad(conv, dy, kernel, None, grad(&mut dx));
        close("data gradient", conv, terms, &dx, &expected);
        for isa in T::all() {
            if !depthwise {
                let mut dx = before.clone();
                windows::data_grad(isa, &aligned, dy, kernel, grad(&mut dx));
                close(isa.name, conv, terms, &dx, &expected);
            }
        }

        let before = if adds { numbers::<T>(nk, 7) } else { vec![T::from_f64(f64::NAN); nk] };
        let (mut expected, mut dkernel) = (before.clone(), before.clone());
        let terms = ny / conv.filters;
        plain::kernel_grad::<T>(conv, x, dy, grad(&mut expected));
        device.conv_kernel_grad(conv, x, dy, grad(&mut dkernel));
        close("kernel gradient", conv, terms, &dkernel, &expected);
        for isa in T::all() {
            if !depthwise {
                let mut dkernel = before.clone();
                kernel_grad::kernel_grad(isa, &aligned, x, dy, grad(&mut dkernel));
                close(isa.name, conv, terms, &dkernel, &expected);
                if aligned.suits_strips() {
                    dkernel.copy_from_slice(&before);
                    strips::kernel_grad(isa, &aligned, x, dy, grad(&mut dkernel));
                    close(isa.name, conv, terms, &dkernel, &expected);
                }
            }
        }
    }
}

/// A square image and kernel.
pub(super) fn image(size: usize, out: usize, kernel: usize, channels: usize, filters: usize) -> Conv {
    Conv {
        rank: 2,
        batch: 2,
        input: [size, size, 1],
        output: [out, out, 1],
        kernel: [kernel, kernel, 1],
        strides: [1; 3],
        dilation: [1; 3],
        padding: [0; 3],
        channels,
        filters,
        groups: 1,
    }
}

fn cases() -> Vec<Conv> {
    let padded = |p: usize, conv: Conv| Conv { padding: [p, p, 0], ..conv };
    let strided = |s: usize, conv: Conv| Conv { strides: [s, s, 1], ..conv };
    vec![
        image(5, 3, 3, 1, 1),
        padded(1, image(9, 9, 3, 3, 33)),
        padded(1, image(7, 7, 3, 40, 17)),
        // `same` with stride 2: nothing before an even size, one before an odd one.
        strided(2, image(8, 4, 3, 5, 9)),
        padded(1, strided(2, image(7, 4, 3, 5, 9))),
        padded(3, strided(2, image(11, 6, 7, 3, 20))),
        // Pixels that no window reads: a stride above the kernel, and rows left over.
        strided(3, image(11, 3, 2, 4, 6)),
        padded(2, Conv { dilation: [2, 2, 1], ..image(9, 9, 3, 4, 5) }),
        // A product.
        image(6, 6, 1, 10, 12),
        strided(2, image(6, 3, 1, 10, 12)),
        // Groups, and depthwise with and without a multiplier.
        padded(1, Conv { groups: 2, ..image(6, 6, 3, 8, 10) }),
        padded(1, Conv { groups: 40, ..image(6, 6, 3, 40, 40) }),
        padded(1, strided(2, Conv { groups: 3, ..image(7, 4, 3, 3, 6) })),
        // Several strips an image, the last one smaller; lines that are cut; lines and columns that lie in the padding alone.
        padded(2, Conv { batch: 3, ..image(45, 45, 5, 2, 35) }),
        padded(1, strided(2, Conv { input: [9, 1250, 1], output: [5, 625, 1], ..image(1, 1, 3, 1, 4) })),
        padded(4, Conv { output: [9, 9, 1], ..image(3, 3, 3, 2, 3) }),
        padded(3, Conv { dilation: [1, 3, 1], ..image(12, 12, 3, 3, 18) }),
        Conv { padding: [5, 5, 0], strides: [4, 4, 1], ..image(3, 3, 2, 1, 2) },
        // More channels than a panel takes.
        image(4, 2, 3, 600, 5),
        // A kernel with more taps than are looked up at once.
        Conv { groups: 2, ..image(9, 3, 7, 2, 2) },
        // One dimension, causal, long lines; and three dimensions.
        Conv {
            rank: 1,
            input: [1100, 1, 1],
            output: [1100, 1, 1],
            kernel: [3, 1, 1],
            padding: [2, 0, 0],
            ..image(1, 1, 1, 2, 3)
        },
        Conv {
            rank: 3,
            input: [4, 5, 6],
            output: [2, 5, 3],
            kernel: [2, 3, 3],
            strides: [2, 1, 2],
            padding: [0, 1, 1],
            ..image(1, 1, 1, 3, 4)
        },
    ]
}

#[test]
fn every_pass_in_32_bits() {
    cases().iter().for_each(check::<f32>);
}

#[test]
fn every_pass_in_64_bits() {
    cases().iter().for_each(check::<f64>);
}

#[test]
fn threads_do_not_change_a_bit() {
    let padded = Conv { padding: [1, 1, 0], batch: 4, ..image(20, 20, 3, 24, 40) };
    for conv in [
        padded,
        Conv { channels: 3, ..padded },
        Conv { strides: [2, 2, 1], output: [10, 10, 1], channels: 70, ..padded },
    ] {
        same_on_several_threads(&conv);
    }
}

fn same_on_several_threads(conv: &Conv) {
    let (nx, nk, ny) = conv.sizes();
    let (mut x, mut kernel, mut dy) = (numbers::<f32>(nx, 1), numbers::<f32>(nk, 2), numbers::<f32>(ny, 3));
    let (x, kernel, dy) = (view(&mut x), view(&mut kernel), view(&mut dy));
    let run = |threads| {
        let (mut y, mut dx, mut dkernel) = (vec![0f32; ny], vec![0f32; nx], vec![0f32; nk]);
        let device = Device::cpu_with_threads(threads);
        device.install(usize::MAX, &mut || {
            device.conv(conv, x, kernel, None, &Epilogue::NONE, view(&mut y));
            device.conv_data_grad(conv, dy, kernel, None, Grad::write(view(&mut dx)));
            device.conv_kernel_grad(conv, x, dy, Grad::write(view(&mut dkernel)));
        });
        [y, dx, dkernel]
    };
    assert_eq!(run(1), run(4));
}
