//! Normalization as one kernel beside the same formulas as elementwise chains, forward and backward, interleaved on one thread:
//! `cargo bench -p keras-kernels --bench norm`.

use std::hint::black_box;
use std::time::Instant;

use keras_kernels::elementwise::{Binary as Two, Instr, Program, Unary as One};
use keras_kernels::norm::{Affine, Kind, Moments, Norm, NormGrads, Rectifier, Statistics};
use keras_kernels::{Device, Grad, Shape, View};

struct Tensor(#[allow(dead_code)] Vec<f32>, View);

fn tensor(dims: &[usize]) -> Tensor {
    let shape = Shape::of(dims);
    let mut data: Vec<f32> = (0..shape.size()).map(|i| (i % 1000) as f32 / 250.0 - 2.0).collect();
    // SAFETY: the vector lies beside the view, and its elements do not move.
    let view = unsafe { View::of(&mut data, shape) };
    Tensor(data, view)
}

const MUL: Two = Two::Mul;
const SUB: Two = Two::Sub;

/// The passes that a layer would run without the kernel.
fn chains(device: &Device, x: View, m: View, v: View, gamma: View, beta: View, y: View) {
    let share = v.size() as f64 / x.size() as f64;
    let run = |instrs: &[Instr], inputs: &[View], to: View| {
        let program = Program { instrs, outputs: &[instrs.len() as u16 - 1] };
        device.map(&program, &[share, 1e-3], inputs, &[Grad::write(to)]);
    };
    use Instr::*;
    run(&[Input(0), Scalar(0), Binary(MUL, 0, 1)], &[x], m);
    run(
        &[Input(0), Input(1), Binary(SUB, 0, 1), Unary(One::Square, 2), Scalar(0), Binary(MUL, 3, 4)],
        &[x, m],
        v,
    );
    run(&[Input(0), Scalar(1), Binary(Two::Add, 0, 1), Unary(One::Rsqrt, 2)], &[v], v);
    run(
        &[
            Input(0),
            Input(1),
            Binary(SUB, 0, 1),
            Input(2),
            Binary(MUL, 2, 3),
            Input(3),
            Binary(MUL, 4, 5),
            Input(4),
            Binary(Two::Add, 6, 7),
        ],
        &[x, m, v, gamma, beta],
        y,
    );
}

fn back_chains(
    device: &Device,
    x: View,
    m: View,
    v: View,
    gamma: View,
    dy: View,
    a: View,
    l: View,
    dg: View,
    db: View,
    dx: View,
) {
    let share = v.size() as f64 / x.size() as f64;
    let run = |instrs: &[Instr], inputs: &[View], to: View| {
        let program = Program { instrs, outputs: &[instrs.len() as u16 - 1] };
        device.map(&program, &[share, 1e-3], inputs, &[Grad::write(to)]);
    };
    use Instr::*;
    let unit = [Input(0), Input(1), Binary(SUB, 0, 1), Input(2), Binary(MUL, 2, 3)];
    run(&[&unit[..], &[Input(3), Binary(MUL, 4, 5)]].concat(), &[x, m, v, dy], dg);
    run(&[Input(0)], &[dy], db);
    run(
        &[
            &unit[..],
            &[Input(3), Input(4), Binary(MUL, 5, 6), Binary(MUL, 4, 7), Scalar(0), Binary(MUL, 8, 9)],
        ]
        .concat(),
        &[x, m, v, dy, gamma],
        a,
    );
    run(&[Input(0), Input(1), Binary(MUL, 0, 1), Scalar(0), Binary(MUL, 2, 3)], &[dy, gamma], l);
    run(
        &[
            &unit[..],
            &[
                Input(3),
                Input(4),
                Binary(MUL, 5, 6),
                Input(5),
                Binary(SUB, 7, 8),
                Input(6),
                Binary(MUL, 4, 10),
                Binary(SUB, 9, 11),
                Binary(MUL, 12, 3),
            ],
        ]
        .concat(),
        &[x, m, v, dy, gamma, l, a],
        dx,
    );
}

fn main() {
    // What runs outside of a device's own pool stays on one thread.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the pool is built first");
    let device = Device::cpu();
    // Full shape, statistics' shape, weights' shape, as the kernel sees it.
    let cases: [([usize; 4], &str); 9] = [
        ([1024, 1, 1, 64], "layer"),
        ([4096, 1, 1, 10], "layer"),
        ([2048, 1, 1, 128], "layer"),
        ([512, 1, 1, 768], "layer"),
        ([1, 32 * 14 * 14, 64, 1], "batch"),
        ([1, 128 * 28 * 28, 16, 1], "batch"),
        ([1, 128, 256, 1], "batch"),
        ([16, 14 * 14, 8, 8], "group"),
        ([16, 14 * 14, 64, 1], "instance"),
    ];
    for (dims @ [samples, spatial, groups, channels], name) in cases {
        let norm = Norm { samples, spatial, groups, channels, kind: Kind::Standard, epsilon: 1e-3 };
        let [x, y, dy, dx] = [0; 4].map(|_| tensor(&dims));
        let [m, v, a, l] = [0; 4].map(|_| tensor(&[samples, 1, groups, 1]));
        let [g, b, dg, db] = [0; 4].map(|_| tensor(&[1, 1, groups, channels]));
        let moments = Moments { mean: m.1, inverse: v.1 };
        let affine = Affine { gamma: Some(g.1), beta: Some(b.1), rectifier: Rectifier::Linear };
        let time = |f: &dyn Fn()| {
            let start = Instant::now();
            f();
            start.elapsed().as_secs_f64()
        };
        let mut best = [f64::MAX; 4];
        for _ in 0..60 {
            let runs: [&dyn Fn(); 4] = [
                &|| chains(&device, x.1, m.1, v.1, g.1, b.1, y.1),
                &|| device.norm(&norm, x.1, None, affine, moments, None, y.1),
                &|| back_chains(&device, x.1, m.1, v.1, g.1, dy.1, a.1, l.1, dg.1, db.1, dx.1),
                &|| {
                    let grads = NormGrads {
                        x: Some(Grad::write(dx.1)),
                        gamma: Some(Grad::write(dg.1)),
                        beta: Some(Grad::write(db.1)),
                    };
                    let statistics = Statistics::OfInput(None);
                    device.norm_grad(&norm, statistics, x.1, affine, moments, dy.1, grads);
                },
            ];
            for (best, run) in best.iter_mut().zip(runs) {
                *best = best.min(time(run));
            }
        }
        black_box(&y.1);
        let ns = |t: f64| t * 1e9 / norm.size() as f64;
        let [cf, kf, cb, kb] = best.map(ns);
        println!(
            "{name:8} {dims:?}: forward {cf:.2} -> {kf:.2} ns/element ({:.1}x), backward {cb:.2} -> {kb:.2} ({:.1}x)",
            cf / kf,
            cb / kb
        );
    }
}
