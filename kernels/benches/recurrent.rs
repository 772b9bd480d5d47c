//! The parts of a recurrent layer beside each other: the inputs' product, the loop forward (with the packed kernel and with the kernel in
//! place) and back, the gradients of a kernel and of the input. Least processor times of one thread.
//! `RAYON_NUM_THREADS=1 cargo bench -p keras-kernels --bench recurrent`, with a number of units and of steps if not 128 and 80.

use keras_kernels::activation::Activation;
use keras_kernels::matmul::{Gemm, Strides};
use keras_kernels::recurrent::{Backward, Cell, Forward, Kept, Kernel, Recurrent};
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Device, Grad, Shape, View};

/// Buffers that live as long as the bench.
fn tensor(len: usize) -> View {
    let data: Vec<f32> = (0..len).map(|i| (i * 7919 % 1000) as f32 / 5000.0 - 0.1).collect();
    // SAFETY: leaked, so that the numbers stay.
    unsafe { View::of(data.leak(), Shape::of(&[len])) }
}

/// Microseconds that this thread has worked.
fn processor_time() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 * 1e-3
}

/// Least time of a run, in microseconds.
fn least(mut run: impl FnMut()) -> f64 {
    let (mut best, begin) = (f64::MAX, processor_time());
    while processor_time() - begin < 2e5 {
        let start = processor_time();
        run();
        best = best.min(processor_time() - start);
    }
    best
}

fn measure(device: &Device, name: &str, cell: Cell, batch: usize, steps: usize, units: usize) {
    let features = units;
    let of = Recurrent {
        cell,
        batch,
        steps,
        units,
        activation: Activation::Tanh,
        recurrent_activation: Activation::Sigmoid,
        backwards: false,
        apart: cell == Cell::Gru { reset_after: false },
        zero_output_for_mask: false,
    };
    let (rows, wide, row) = (batch * steps, cell.gates() * units, cell.gradients() * units);
    let kept = Kept {
        gates: tensor(rows * wide),
        inputs: None,
        states: tensor(rows * units),
        carries: cell.carries().then(|| tensor(batch * (steps + 1) * units)),
        inner: cell.has_inner().then(|| tensor(rows * units)),
        seen: None,
        factors: None,
        mask: None,
    };
    let (x, w, r) = (tensor(rows * features), tensor(features * wide), tensor(units * wide));
    let (there, back) = (tensor(of.packed_len()), tensor(of.packed_back_len()));
    device.recur_pack(&of, r, there, back);
    let forward = Forward {
        kept,
        kernel: Kernel { view: r, packed: Some(there) },
        bias: None,
        start: [None; 2],
        sequence: None,
        last: Some(tensor(batch * units)),
        end: [None; 2],
        local: tensor(batch * of.local_len()),
    };
    let gradients = tensor(rows * row);
    let backward = Backward {
        kept,
        kernel: Kernel { view: r, packed: Some(back) },
        sequence: None,
        last: Some(tensor(batch * units)),
        end: [None; 2],
        gradients,
        start: [None; 2],
        local: tensor(batch * of.local_back_len()),
    };
    let (dw, dx, db) = (tensor(features * wide), tensor(rows * features), tensor(row));
    let product = Gemm::new(rows, wide, features);
    let gemm = |gemm: &Gemm, a, b, c| device.gemm(gemm, a, b, None, Activation::Linear, Grad::write(c));
    let weights = Gemm { b: Strides::rows(row), ..Gemm::new(features, wide, rows).a_transposed() };
    let input = Gemm { a: Strides::rows(row), ..Gemm::new(rows, features, wide).b_transposed() };
    let sums = gradients.reshape(Shape::of(&[rows, row]));
    let flops = 2.0 * rows as f64 * (wide * units) as f64;
    let in_place = Forward { kernel: Kernel { view: r, packed: None }, ..forward };
    let in_place = flops / least(|| device.recur(&of, &in_place)) / 1e3;
    let times = [
        least(|| device.recur_pack(&of, r, there, back)),
        least(|| gemm(&product, x, w, kept.gates)),
        least(|| device.recur(&of, &forward)),
        least(|| device.recur_back(&of, &backward)),
        least(|| gemm(&weights, x, gradients, dw)),
        least(|| gemm(&input, gradients, w, dx)),
        least(|| device.reduce(Reduce::Sum, Axes::NONE.with(0), sums, Grad::write(db))),
    ];
    let shares = times.map(|t| flops / t / 1e3);
    println!(
        "{name:>9}, batch {batch:>3}: pack {:.0} us; GFLOP/s: input {:.0}, loop {:.0} ({:.0} in place), back {:.0}, dkernel {:.0}, dinput {:.0}; bias {:.0} us; \
         forward {:.0} us {:.1}, both {:.0} us {:.1}",
        times[0],
        shares[1],
        shares[2],
        in_place,
        shares[3],
        shares[4],
        shares[5],
        times[6],
        times[1] + times[2],
        2.0 * flops / (times[1] + times[2]) / 1e3,
        times.iter().sum::<f64>() + times[4],
        6.0 * flops / (times.iter().sum::<f64>() + times[4]) / 1e3,
    );
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let (units, steps) = (numbers.first().copied().unwrap_or(128), numbers.get(1).copied().unwrap_or(80));
    let device = Device::cpu();
    let cells = [
        ("LSTM", Cell::Lstm),
        ("GRU", Cell::Gru { reset_after: true }),
        ("GRU old", Cell::Gru { reset_after: false }),
        ("SimpleRNN", Cell::Simple),
    ];
    for batch in [1, 4, 8, 32, 128] {
        for (name, cell) in cells {
            measure(&device, name, cell, batch, steps, units);
        }
    }
}
