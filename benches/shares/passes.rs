//! What memory bounds: elementwise chains, activations, normalization, softmax, optimizers, pooling, tables, random numbers.

use keras_kernels::activation::Activation;
use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::norm::{Affine, Kind, Moments, Norm, NormGrads, Rectifier, Statistics};
use keras_kernels::optimizer::{Adam, Before, MAX_SCALARS, Rule, Sgd};
use keras_kernels::pool::{Pool, PoolKind};
use keras_kernels::random::Stream;
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Device, Grad, Shape, View};

use crate::case::{Case, Room, Run};

/// Elements: in the second cache, and far out of all.
const SIZES: [(usize, &str); 2] = [(1 << 16, "in cache"), (1 << 23, "in memory")];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, place) in SIZES {
        cases.push(chain(n, place));
        for (name, f) in [
            ("relu", Activation::RELU),
            ("exp", Activation::Exponential),
            ("sigmoid", Activation::Sigmoid),
            ("tanh", Activation::Tanh),
            ("gelu", Activation::Gelu { approximate: false }),
        ] {
            cases.extend(activation(&format!("{name} {place}"), f, n));
        }
        cases.push(with(format!("sum {place}"), [n, 0, 0], move |room| {
            let (x, y) = (room.floats(&[n / 64, 64]), room.floats(&[64]));
            move |device| device.reduce(Reduce::Sum, Axes::NONE.with(0), x, Grad::write(y))
        }));
        cases.push(with(format!("dropout {place}"), [n, 0, n], move |room| {
            let (x, y) = (room.floats(&[n]), room.floats(&[n]));
            let stream = Stream { seed: 1, id: 2, step: 3 };
            move |device| device.dropout(stream, 0.5, Shape::of(&[n]), x, Grad::write(y))
        }));
    }
    let groups =
        Norm { samples: 16, spatial: 3136, groups: 8, channels: 8, kind: Kind::Standard, epsilon: 1e-3 };
    for (name, norm, rectifier) in [
        ("batch norm 6272x64", Norm::batch(6272, 64, 1e-3), Rectifier::Linear),
        ("batch norm 65536x16", Norm::batch(65_536, 16, 1e-3), Rectifier::Linear),
        ("batch norm and relu 65536x16", Norm::batch(65_536, 16, 1e-3), Rectifier::Relu),
        ("batch norm 16384x32", Norm::batch(16_384, 32, 1e-3), Rectifier::Linear),
        ("batch norm 401408x24", Norm::batch(401_408, 24, 1e-3), Rectifier::Linear),
        ("batch norm and relu6 401408x24", Norm::batch(401_408, 24, 1e-3), Rectifier::Relu6),
        ("batch norm 128x256", Norm::batch(128, 256, 1e-3), Rectifier::Linear),
        ("batch norm 25088x256", Norm::batch(25_088, 256, 1e-3), Rectifier::Linear),
        ("batch norm 100352x128", Norm::batch(100_352, 128, 1e-3), Rectifier::Linear),
        ("layer norm 512x768", Norm::rows(512, 768, Kind::Standard, 1e-3), Rectifier::Linear),
        ("layer norm 2080x192", Norm::rows(2080, 192, Kind::Standard, 1e-3), Rectifier::Linear),
        ("layer norm 131072x128", Norm::rows(131_072, 128, Kind::Standard, 1e-3), Rectifier::Linear),
        ("rms norm 131072x128", Norm::rows(131_072, 128, Kind::RootMeanSquare, 1e-3), Rectifier::Linear),
        ("group norm 16x3136x8x8", groups, Rectifier::Linear),
    ] {
        // Statistics of a batch are known only when all of it was read; a row or a sample is still in a cache.
        let again = if norm.samples == 1 { norm.size() } else { 0 };
        cases.push(normalization(name, norm, rectifier, again));
        if norm.samples == 1 {
            cases.push(given(name, norm, rectifier));
        }
        cases.push(normalization_gradient(name, norm, rectifier, again));
    }
    for (rows, columns) in [(4096, 10), (3072, 80), (512, 512), (16_384, 1000)] {
        let n = rows * columns;
        cases.push(with(format!("softmax {rows}x{columns}"), [n, 0, n], move |room| {
            let [x, y] = [0; 2].map(|_| room.floats(&[rows, columns]));
            move |device| device.softmax(x, 1, y)
        }));
        cases.push(with(format!("softmax gradient {rows}x{columns}"), [2 * n, 0, n], move |room| {
            let [y, dy, dx] = [0; 3].map(|_| room.floats(&[rows, columns]));
            move |device| device.softmax_grad(y, dy, 1, Grad::write(dx))
        }));
    }
    for (n, place) in [(40_000, "in cache"), (10_000_000, "in memory")] {
        let sgd = |momentum| Rule::from(Sgd { momentum, nesterov: false });
        let adam = Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false };
        for (name, rule) in [("sgd", sgd(0.0)), ("momentum", sgd(0.9)), ("adam", adam.into())] {
            cases.push(optimizer(&format!("{name} {place}"), rule, n));
        }
    }
    cases.extend(pooling("max 2x2", PoolKind::Max, [128, 26, 32], 2, 2));
    cases.extend(pooling("max 3x3 stride 2", PoolKind::Max, [8, 112, 64], 3, 2));
    cases.extend(pooling("average, global", PoolKind::Average, [128, 7, 576], 7, 7));
    cases.extend(pooling("average 2x2", PoolKind::Average, [8, 112, 64], 2, 2));
    cases.extend(table());
    cases
}

/// A case that reads and writes (over what it read, over other memory) so many numbers; `prepare` makes its buffers.
fn with<F>(
    name: String,
    [read, in_place, fresh]: [usize; 3],
    prepare: impl Fn(&mut Room) -> F + 'static,
) -> Case
where
    F: Fn(&Device) + Send + 'static,
{
    Case::traffic(name, read, in_place, fresh, move |device| -> Run {
        let (device, mut room) = (device.clone(), Room::default());
        let run = prepare(&mut room);
        Box::new(move || {
            let _ = &room;
            run(&device);
        })
    })
}

/// `y = (a * b + c) * a`.
fn chain(n: usize, place: &str) -> Case {
    const INSTRS: [Instr; 6] = [
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Binary(Binary::Mul, 0, 1),
        Instr::Binary(Binary::Add, 3, 2),
        Instr::Binary(Binary::Mul, 4, 0),
    ];
    with(format!("chain of three {place}"), [3 * n, 0, n], move |room| {
        let [a, b, c, y] = [0; 4].map(|_| room.floats(&[n]));
        move |device| {
            device.map(&Program { instrs: &INSTRS, outputs: &[5] }, &[], &[a, b, c], &[Grad::write(y)])
        }
    })
}

fn activation(name: &str, f: Activation, n: usize) -> [Case; 2] {
    // Where the result tells the slope, the input is not read.
    let needs_x = usize::from(!f.grad_from_output());
    let both = move |room: &mut Room| [0; 4].map(|_| room.floats(&[n]));
    [
        with(name.to_string(), [n, 0, n], move |room| {
            let [x, y, ..] = both(room);
            move |device| device.activation(f, x, y)
        }),
        with(format!("gradient of {name}"), [(2 + needs_x) * n, 0, n], move |room| {
            let [x, y, dy, dx] = both(room);
            let x = (needs_x == 1).then_some(x);
            move |device| device.activation_grad(f, x, y, dy, Grad::write(dx))
        }),
    ]
}

/// Buffers of a normalization.
fn buffers(room: &mut Room, norm: &Norm) -> ([View; 4], [View; 2], [View; 4]) {
    (
        [0; 4].map(|_| room.floats(&[norm.size()])),
        [0; 2].map(|_| room.floats(&[norm.statistics()])),
        [0; 4].map(|_| room.floats(&[norm.weights()])),
    )
}

fn normalization(name: &str, norm: Norm, rectifier: Rectifier, again: usize) -> Case {
    let n = norm.size();
    with(name.to_string(), [n + again, 0, n], move |room| {
        let ([x, y, ..], [mean, inverse], [gamma, beta, ..]) = buffers(room, &norm);
        let affine = Affine { gamma: Some(gamma), beta: Some(beta), rectifier };
        move |device| device.norm(&norm, x, None, affine, Moments { mean, inverse }, None, y)
    })
}

/// With given statistics: one pass.
fn given(name: &str, norm: Norm, rectifier: Rectifier) -> Case {
    let n = norm.size();
    with(format!("{name} with given statistics"), [n, 0, n], move |room| {
        let ([x, y, ..], [mean, inverse], [gamma, beta, variance, _]) = buffers(room, &norm);
        let affine = Affine { gamma: Some(gamma), beta: Some(beta), rectifier };
        move |device| device.norm_fixed(&norm, x, affine, variance, Moments { mean, inverse }, y)
    })
}

fn normalization_gradient(name: &str, norm: Norm, rectifier: Rectifier, again: usize) -> Case {
    let n = norm.size();
    with(format!("gradient of {name}"), [2 * (n + again), 0, n], move |room| {
        let ([x, _, dy, dx], [mean, inverse], [gamma, beta, dgamma, dbeta]) = buffers(room, &norm);
        let affine = Affine { gamma: Some(gamma), beta: Some(beta), rectifier };
        move |device| {
            let [x_grad, gamma_grad, beta_grad] = [dx, dgamma, dbeta].map(|to| Some(Grad::write(to)));
            let grads = NormGrads { x: x_grad, gamma: gamma_grad, beta: beta_grad };
            let (moments, statistics) = (Moments { mean, inverse }, Statistics::OfInput(None));
            device.norm_grad(&norm, statistics, x, affine, moments, dy, grads);
        }
    })
}

fn optimizer(name: &str, rule: Rule, n: usize) -> Case {
    let slots = rule.slots();
    with(name.to_string(), [2 * n + slots * n, n + slots * n, 0], move |room| {
        let [weights, gradients] = [0; 2].map(|_| room.floats(&[n]));
        let views: Vec<View> = (0..slots)
            .map(|_| room.fill(Shape::of(&[n]), keras_kernels::DType::F32, |_| 1f32.to_bits()))
            .collect();
        let scalars = [1e-9; MAX_SCALARS];
        move |device| device.update(&rule, &Before::NOTHING, &scalars, weights, gradients, &views)
    })
}

/// Of a batch of square images with so many channels.
fn pooling(
    name: &str,
    kind: PoolKind,
    [batch, size, channels]: [usize; 3],
    window: usize,
    stride: usize,
) -> [Case; 2] {
    let out = (size - window) / stride + 1;
    let pool = Pool {
        kind,
        rank: 2,
        batch,
        input: [size, size, 1],
        output: [out, out, 1],
        window: [window, window, 1],
        strides: [stride, stride, 1],
        padding: [0; 3],
        channels,
    };
    let (n, m) = (batch * size * size * channels, batch * out * out * channels);
    [
        with(format!("pool {name}, {batch} of {size}x{size}x{channels}"), [n, 0, m], move |room| {
            let (x, y) = (room.floats(&[n]), room.floats(&[m]));
            move |device| device.pool(&pool, x, y)
        }),
        with(
            format!("gradient of pool {name}, {batch} of {size}x{size}x{channels}"),
            [n + 2 * m, 0, n],
            move |room| {
                let [x, dx] = [0; 2].map(|_| room.floats(&[n]));
                let [y, dy] = [0; 2].map(|_| room.floats(&[m]));
                // Largest elements are found again.
                Device::cpu().pool(&pool, x, y);
                move |device| device.pool_grad(&pool, x, y, dy, Grad::write(dx))
            },
        ),
    ]
}

/// A table of 10,000 words by 128, read and written at 2,560 places.
fn table() -> [Case; 2] {
    const WORDS: usize = 10_000;
    const WIDTH: usize = 128;
    const PLACES: usize = 2_560;
    const READ: usize = PLACES * WIDTH;
    let buffers = move |room: &mut Room| {
        (room.floats(&[WORDS, WIDTH]), room.ids(&[PLACES], WORDS), room.floats(&[PLACES, WIDTH]))
    };
    [
        with("embedding 2560 of 10000x128".into(), [READ, 0, READ], move |room| {
            let (table, ids, y) = buffers(room);
            move |device| device.gather(table, ids, y)
        }),
        // Rows that do not occur become zero.
        with("gradient of embedding 2560 of 10000x128".into(), [READ, 0, WORDS * WIDTH], move |room| {
            let (table, ids, dy) = buffers(room);
            move |device| device.scatter_add(ids, dy, Grad::write(table))
        }),
    ]
}
