//! Recurrent layers with packed weights beside the same without, in turn in one process: a training step's passes and a prediction.
//! `cargo bench --bench recurrent` (`THREADS=2` for two threads).

use std::time::Instant;

use keras::layers::{GRU, LSTM, SimpleRNN};
use keras::plan::Spec;
use keras::{Call, Context, DType, Device, Grad, Layer, Shape, View};

/// A call of a layer with memory of its own.
struct Bench<L> {
    layer: L,
    call: Call,
    device: Device,
    _memory: Vec<Vec<f32>>,
}

impl<L: Layer> Bench<L> {
    fn new(layer: L, device: &Device, batch: usize, input: &[usize], packs: bool) -> Bench<L> {
        let input = Spec::of(input);
        let plan = layer.plan_for(&[input]).expect("a plan");
        let mut memory: Vec<Vec<f32>> = Vec::new();
        let mut room = |shape: Shape, dtype: DType| {
            let mut data: Vec<f32> = (0..shape.size()).map(|i| (i % 97) as f32 / 970.0 - 0.05).collect();
            // SAFETY: the vectors live as long as the call; four bytes are enough for one of any type here.
            let view = unsafe { View::new(data.as_mut_ptr().cast(), shape, dtype) };
            memory.push(data);
            view
        };
        let mut rooms = |specs: &[Spec]| -> Vec<View> {
            specs.iter().map(|s| room(s.shape_for(batch), s.dtype())).collect()
        };
        let weights: Vec<Spec> = plan.weights.as_slice().iter().map(|w| Spec::fixed(w.shape)).collect();
        let mut call = Call {
            trainable: true,
            inputs: rooms(&[input]),
            outputs: rooms(plan.outputs.as_slice()),
            weights: rooms(&weights),
            saved: rooms(plan.saved.as_slice()),
            scratch: rooms(plan.scratch.as_slice()),
            backward_scratch: rooms(plan.backward_scratch.as_slice()),
            input_masks: vec![None],
            output_grads: rooms(plan.outputs.as_slice()),
            input_grads: vec![None],
            weight_grads: rooms(&weights).into_iter().map(|g| Some(Grad::write(g))).collect(),
            ..Call::default()
        };
        if packs {
            call.packed = rooms(plan.packed.as_slice());
        }
        Bench { layer, call, device: device.clone(), _memory: memory }
    }

    fn step(&self, training: bool) {
        let cx = Context { device: &self.device, training, seed: 0, step: 0 };
        self.device.install(usize::MAX, &mut || {
            if training && !self.call.packed.is_empty() {
                self.layer.pack(&cx, &self.call);
            }
            self.layer.forward(&cx, &self.call);
            if training {
                self.layer.backward(&cx, &self.call);
            }
        });
    }
}

fn run<L: Layer + Copy>(name: &str, layer: L, device: &Device) {
    for (batch, steps) in [(1, 80), (8, 80), (32, 80), (32, 2), (128, 80)] {
        let [plain, packed] =
            [false, true].map(|packs| Bench::new(layer, device, batch, &[steps, 32], packs));
        packed.step(true);
        for training in [true, false] {
            let (mut least, mut ratios) = ([f64::MAX; 2], Vec::new());
            for _ in 0..40 {
                let times = [&plain, &packed].map(|bench| {
                    let start = Instant::now();
                    bench.step(training);
                    start.elapsed().as_secs_f64() * 1e6
                });
                ratios.push(times[0] / times[1]);
                least = [least[0].min(times[0]), least[1].min(times[1])];
            }
            ratios.sort_by(f64::total_cmp);
            let kind = if training { "forward and backward" } else { "forward" };
            println!(
                "{name:>9}, batch {batch:>3}, {steps:>2} steps, {kind:<20}: {:>9.0} to {:>9.0} us; least {:.2}, median {:.2}",
                least[0],
                least[1],
                least[0] / least[1],
                ratios[ratios.len() / 2]
            );
        }
    }
}

fn main() {
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let device = Device::cpu_with_threads(threads);
    run("LSTM", LSTM::new(128), &device);
    run("GRU", GRU::new(128), &device);
    run("SimpleRNN", SimpleRNN::new(128), &device);
}
