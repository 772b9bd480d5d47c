//! Layers whose work is products: recurrent ones and attention, against the multiply-adds of their products.

use keras::layers::{GRU, LSTM, MultiHeadAttention, SimpleRNN};
use keras::plan::{PlanResult, Spec};
use keras::{Call, Context, Grad, Layer, View};

use crate::case::{Case, Room};

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for batch in [1, 32] {
        cases.extend(recurrent("LSTM", LSTM::new(128), 4, batch));
        cases.extend(recurrent("GRU", GRU::new(128), 3, batch));
        cases.extend(recurrent("SimpleRNN", SimpleRNN::new(128), 1, batch));
        cases.extend(attention(batch, 80, 4, 32));
    }
    cases.extend(attention(8, 196, 3, 64));
    cases
}

/// Units of recurrent layers; as many features.
const UNITS: usize = 128;
const STEPS: usize = 80;

fn recurrent<L: Layer + Copy + 'static>(name: &str, layer: L, gates: usize, batch: usize) -> [Case; 2] {
    let flops = 2 * batch * STEPS * gates * UNITS * (UNITS + UNITS);
    passes(&format!("{name} 128, batch {batch} of 80x128"), layer, batch, [STEPS, UNITS], 1, flops)
}

fn attention(batch: usize, steps: usize, heads: usize, of_head: usize) -> [Case; 2] {
    let width = heads * of_head;
    let flops = 2 * batch * (4 * steps * width * width + 2 * steps * steps * width);
    let layer = MultiHeadAttention::new(heads, of_head);
    passes(
        &format!("attention {heads}x{of_head}, batch {batch} of {steps}x{width}"),
        layer,
        batch,
        [steps, width],
        2,
        flops,
    )
}

/// A prediction, and a training step's two passes with all gradients.
fn passes<L: Layer + Copy + 'static>(
    name: &str,
    layer: L,
    batch: usize,
    input: [usize; 2],
    inputs: usize,
    flops: usize,
) -> [Case; 2] {
    [(false, name.to_string(), flops), (true, format!("forward and backward of {name}"), 3 * flops)].map(
        |(training, name, flops)| {
            Case::flops(name, flops, move |device| {
                let (device, mut room) = (device.clone(), Room::default());
                let specs = vec![Spec::of(&input); inputs];
                let call = place(&layer, &layer.plan_for(&specs), &specs, batch, &mut room);
                Box::new(move || {
                    let _ = &room;
                    let cx = Context { device: &device, training, seed: 0, step: 0 };
                    if training {
                        layer.pack(&cx, &call);
                    }
                    layer.forward(&cx, &call);
                    if training {
                        layer.backward(&cx, &call);
                    }
                })
            })
        },
    )
}

/// A call with every buffer that its plan names.
fn place(layer: &impl Layer, plan: &PlanResult, inputs: &[Spec], batch: usize, room: &mut Room) -> Call {
    let plan = plan.as_ref().expect("a plan");
    let mut rooms = |specs: &[Spec]| -> Vec<View> {
        specs
            .iter()
            .map(|s| room.fill(s.shape_for(batch), s.dtype(), |i| ((i % 97) as f32 / 970.0 - 0.05).to_bits()))
            .collect()
    };
    let weights: Vec<Spec> = plan.weights.as_slice().iter().map(|w| Spec::fixed(w.shape)).collect();
    let grads = |views: Vec<View>| views.into_iter().map(|g| Some(Grad::write(g))).collect::<Vec<_>>();
    let mut call = Call {
        trainable: true,
        inputs: rooms(inputs),
        outputs: rooms(plan.outputs.as_slice()),
        weights: rooms(&weights),
        packed: rooms(plan.packed.as_slice()),
        saved: rooms(plan.saved.as_slice()),
        scratch: rooms(plan.scratch.as_slice()),
        backward_scratch: rooms(plan.backward_scratch.as_slice()),
        input_masks: vec![None; inputs.len()],
        output_grads: rooms(plan.outputs.as_slice()),
        input_grads: grads(rooms(inputs)),
        weight_grads: grads(rooms(&weights)),
        ..Call::default()
    };
    call.inner = layer.inner_calls(&call);
    call.programs = layer.programs(&call);
    call
}
