use super::{Backward, Cell, Forward, Kept, Kernel, Recurrent};
use crate::activation::Activation;
use crate::testing::{close, is_gradient, numbers, same_on_any_threads};
use crate::{DType, Device, Element, Float, Grad, Shape, View};

const CELLS: [Cell; 4] =
    [Cell::Simple, Cell::Lstm, Cell::Gru { reset_after: true }, Cell::Gru { reset_after: false }];

const fn of(cell: Cell, batch: usize, steps: usize, units: usize) -> Recurrent {
    Recurrent {
        cell,
        batch,
        steps,
        units,
        activation: Activation::Tanh,
        recurrent_activation: Activation::Sigmoid,
        backwards: false,
        apart: matches!(cell, Cell::Gru { reset_after: false }),
        zero_output_for_mask: false,
    }
}

/// What a run is given.
#[derive(Clone)]
struct Given {
    of: Recurrent,
    x: Vec<f64>,
    kernel: Vec<f64>,
    bias: Option<Vec<f64>>,
    start: [Vec<f64>; 2],
    factors: Option<Vec<f64>>,
    mask: Option<Vec<u8>>,
    packed: bool,
}

impl Given {
    fn new(of: Recurrent) -> Given {
        let Recurrent { batch, steps, units, cell, .. } = of;
        let wide = cell.gates() * units;
        // Sums of `units` terms stay of the size of one.
        let scale = 1.0 / (units as f64).sqrt();
        Given {
            of,
            x: numbers(batch * steps * wide, 1),
            kernel: numbers(units * wide, 2).iter().map(|v| v * scale).collect(),
            bias: (cell == Cell::Gru { reset_after: true }).then(|| numbers(wide, 3)),
            start: [numbers(batch * units, 4), numbers(batch * units, 5)],
            factors: None,
            mask: None,
            packed: false,
        }
    }

    fn masked(mut self) -> Given {
        self.mask = Some((0..self.of.batch * self.of.steps).map(|i| u8::from(i * i % 5 != 1)).collect());
        self
    }

    fn dropped(mut self) -> Given {
        self.of.apart = true;
        let factors = numbers(self.of.batch * self.of.cell.gates() * self.of.units, 6);
        self.factors = Some(factors.iter().map(|v| if *v > 0.0 { 2.0 } else { 0.0 }).collect());
        self
    }
}

/// Outputs: the sequence, the last output, the last state, the last carry; gradients: of `x` (and more), of the start.
struct Results {
    outputs: [Vec<f64>; 4],
    gradients: Vec<f64>,
    start: [Vec<f64>; 2],
}

/// Buffers of one type.
struct Room<T>(Vec<Vec<T>>);

impl<T: Float> Room<T> {
    fn of(&mut self, values: &[f64]) -> View {
        self.0.push(values.iter().map(|v| <T as Element>::from_f64(*v)).collect());
        let data = self.0.last_mut().unwrap();
        let shape = Shape::of(&[data.len()]);
        // SAFETY: the numbers stay where they are while the room is there; they are looked at when the kernels have run.
        unsafe { View::of(data, shape) }
    }

    fn blank(&mut self, len: usize) -> View {
        self.of(&vec![f64::NAN; len])
    }
}

fn read<T: Float>(view: View) -> Vec<f64> {
    // SAFETY: no kernel runs.
    unsafe { view.slice::<T>() }.iter().map(|v| Element::to_f64(*v)).collect()
}

/// Runs both ways; the gradients are those of the sum of all outputs, each times a number of its own.
fn run<T: Float>(device: &Device, given: &Given) -> Results {
    let of = given.of;
    let Recurrent { batch, steps, units, cell, .. } = of;
    let (wide, rows, state) = (cell.gates() * units, batch * steps, batch * units);
    let mut room = Room::<T>(Vec::new());
    let mut mask = given.mask.clone();
    let keeps = !(of.activation.grad_from_output() && of.recurrent_activation.grad_from_output());
    let x = room.of(&given.x);
    let kept = Kept {
        gates: if keeps { room.blank(rows * wide) } else { x },
        inputs: keeps.then_some(x),
        states: room.blank(rows * units),
        carries: cell.carries().then(|| room.blank((steps + 1) * state)),
        inner: cell.has_inner().then(|| room.blank(rows * units)),
        seen: given.factors.as_ref().map(|_| room.blank(rows * wide)),
        factors: given.factors.as_ref().map(|factors| room.of(factors)),
        // SAFETY: the mask lives as long as the views.
        mask: mask.as_mut().map(|m| unsafe { View::new(m.as_mut_ptr(), Shape::of(&[rows]), DType::Bool) }),
    };
    let kernel = room.of(&given.kernel);
    let (there, back) = (room.blank(of.packed_len()), room.blank(of.packed_back_len()));
    device.recur_pack(&of, kernel, there, back);
    let kernel = |packed: View| Kernel { view: kernel, packed: given.packed.then_some(packed) };
    let carry = |view: View| cell.carries().then_some(view);
    let outputs = [room.blank(rows * units), room.blank(state), room.blank(state), room.blank(state)];
    let forward = Forward {
        kept,
        kernel: kernel(there),
        bias: given.bias.as_ref().map(|bias| room.of(bias)),
        start: [Some(room.of(&given.start[0])), carry(room.of(&given.start[1]))],
        sequence: Some(outputs[0]),
        last: Some(outputs[1]),
        end: [Some(outputs[2]), carry(outputs[3])],
        local: room.blank(batch * of.local_len()),
    };
    device.recur(&of, &forward);
    let weights = weights(&of);
    let gradients = room.blank(rows * cell.gradients() * units);
    let start = [room.of(&vec![1.0; state]), room.blank(state)];
    let backward = Backward {
        kept,
        kernel: kernel(back),
        sequence: Some(room.of(&weights[0])),
        last: Some(room.of(&weights[1])),
        end: [Some(room.of(&weights[2])), carry(room.of(&weights[3]))],
        gradients,
        start: [Some(Grad::add(start[0])), carry(start[1]).map(Grad::write)],
        local: room.blank(batch * of.local_back_len()),
    };
    device.recur_back(&of, &backward);
    Results { outputs: outputs.map(read::<T>), gradients: read::<T>(gradients), start: start.map(read::<T>) }
}

/// What the outputs are weighed by in the sum whose gradients are computed.
fn weights(of: &Recurrent) -> [Vec<f64>; 4] {
    let state = of.batch * of.units;
    [numbers(of.steps * state, 7), numbers(state, 8), numbers(state, 9), numbers(state, 10)]
}

/// The outputs by the definition, number by number.
fn definition(given: &Given) -> [Vec<f64>; 4] {
    let Recurrent { cell, batch, steps, units, backwards, zero_output_for_mask, .. } = given.of;
    let wide = cell.gates() * units;
    let apply = |f: Activation, x: f64| match f {
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Softsign => x / (1.0 + x.abs()),
        Activation::HardSigmoid => ((x + 3.0) / 6.0).clamp(0.0, 1.0),
        _ => unreachable!(),
    };
    let (f, gate) = (|x| apply(given.of.activation, x), |x| apply(given.of.recurrent_activation, x));
    let mut outputs = [vec![0.0; batch * steps * units], vec![0.0; batch * units], vec![], vec![]];
    for b in 0..batch {
        let (mut h, mut c) =
            (given.start[0][b * units..][..units].to_vec(), given.start[1][b * units..][..units].to_vec());
        for at in 0..steps {
            let t = if backwards { steps - 1 - at } else { at };
            let x = &given.x[(b * steps + t) * wide..][..wide];
            let counts = given.mask.as_ref().is_none_or(|mask| mask[b * steps + t] != 0);
            let factor =
                |g: usize, l: usize| given.factors.as_ref().map_or(1.0, |f| f[(g * batch + b) * units + l]);
            let product = |h: &[f64], g: usize, j: usize| {
                let sum: f64 =
                    (0..units).map(|l| h[l] * factor(g, l) * given.kernel[l * wide + g * units + j]).sum();
                sum + given.bias.as_ref().map_or(0.0, |bias| bias[g * units + j])
            };
            let (old, old_c) = (h.clone(), c.clone());
            for j in 0..units {
                match cell {
                    Cell::Simple => h[j] = f(x[j] + product(&old, 0, j)),
                    Cell::Lstm => {
                        let gate_of = |g: usize| gate(x[g * units + j] + product(&old, g, j));
                        c[j] = gate_of(1) * old_c[j] + gate_of(0) * f(x[2 * units + j] + product(&old, 2, j));
                        h[j] = gate_of(3) * f(c[j]);
                    }
                    Cell::Gru { reset_after } => {
                        let gate_of = |g: usize, j: usize| gate(x[g * units + j] + product(&old, g, j));
                        let reset: Vec<f64> = (0..units).map(|l| gate_of(1, l) * old[l]).collect();
                        let part = if reset_after {
                            gate_of(1, j) * product(&old, 2, j)
                        } else {
                            product(&reset, 2, j)
                        };
                        let (z, g) = (gate_of(0, j), f(x[2 * units + j] + part));
                        h[j] = z * old[j] + (1.0 - z) * g;
                    }
                }
            }
            if !counts {
                (h, c) = (old, old_c);
            }
            let zero = !counts && zero_output_for_mask;
            for j in 0..units {
                let y = if zero { 0.0 } else { h[j] };
                outputs[0][(b * steps + at) * units + j] = y;
                outputs[1][b * units + j] = y;
            }
        }
        outputs[2].extend_from_slice(&h);
        outputs[3].extend_from_slice(&c);
    }
    outputs
}

/// Every kind of run, small.
fn kinds(batch: usize, steps: usize, units: usize) -> Vec<Given> {
    let mut all = Vec::new();
    for cell in CELLS {
        let plain = Given::new(of(cell, batch, steps, units));
        let mut others = plain.clone();
        (others.of.activation, others.of.recurrent_activation) =
            (Activation::Softsign, Activation::HardSigmoid);
        for given in [plain, others] {
            let mut turned = given.clone().masked();
            (turned.of.backwards, turned.of.zero_output_for_mask) = (true, true);
            all.extend([
                given.clone(),
                given.clone().masked(),
                given.dropped(),
                turned.clone(),
                turned.dropped(),
            ]);
        }
    }
    all
}

fn compare(given: &Given, found: &Results, expected: &[Vec<f64>; 4], tolerance: f64) {
    let outputs = if given.of.cell.carries() { 4 } else { 3 };
    for (found, expected) in found.outputs.iter().zip(expected).take(outputs) {
        close(found, expected, tolerance);
    }
}

#[test]
fn outputs_are_those_of_the_definition() {
    for mut given in kinds(3, 4, 5).into_iter().chain(kinds(1, 1, 2)) {
        for packed in [false, true] {
            given.packed = packed;
            compare(&given, &run::<f64>(&Device::cpu(), &given), &definition(&given), 1e-12);
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for given in kinds(3, 4, 3) {
        let found = run::<f64>(&Device::cpu(), &given);
        let weights = weights(&given.of);
        let sum = |given: &Given| -> f64 {
            let outputs = definition(given);
            let count = if given.of.cell.carries() { 4 } else { 3 };
            outputs
                .iter()
                .zip(&weights)
                .take(count)
                .flat_map(|(y, w)| y.iter().zip(w))
                .map(|(y, w)| y * w)
                .sum()
        };
        let Recurrent { units, cell, .. } = given.of;
        // The gradients of `x` are the first pieces of each row.
        let wide = cell.gates() * units;
        let rows = found.gradients.chunks_exact(cell.gradients() * units);
        let dx: Vec<f64> = rows.flat_map(|row| row[..wide].to_vec()).collect();
        let mut changed = given.clone();
        is_gradient(&given.x, &dx, |x| {
            changed.x.copy_from_slice(x);
            sum(&changed)
        });
        for at in 0..1 + usize::from(cell.carries()) {
            let mut changed = given.clone();
            // The first was added to ones.
            let gradient: Vec<f64> =
                found.start[at].iter().map(|d| if at == 0 { d - 1.0 } else { *d }).collect();
            is_gradient(&given.start[at], &gradient, |x| {
                changed.start[at].copy_from_slice(x);
                sum(&changed)
            });
        }
        // What a reset gate after the product adds is the gradient of that product, summed that of the bias.
        if let Some(bias) = &given.bias {
            let mut gradient = vec![0.0; wide];
            for row in found.gradients.chunks_exact(4 * units) {
                let of_products = row[..2 * units].iter().chain(&row[3 * units..]);
                gradient.iter_mut().zip(of_products).for_each(|(to, d)| *to += d);
            }
            let mut changed = given.clone();
            is_gradient(bias, &gradient, |x| {
                changed.bias = Some(x.to_vec());
                sum(&changed)
            });
        }
    }
}

/// Vector code with every kind of rest, beside 64-bit floats; 24 bits of mantissa with room for sums of a few hundred terms.
#[test]
fn single_floats_at_odd_sizes() {
    for (batch, steps, units) in
        [(1, 3, 16), (2, 3, 17), (5, 2, 20), (9, 2, 33), (17, 2, 4), (66, 3, 7), (3, 2, 150)]
    {
        for mut given in kinds(batch, steps, units) {
            let wide = run::<f64>(&Device::cpu(), &given);
            let mut bits = Vec::new();
            for packed in [false, true] {
                given.packed = packed;
                let single = run::<f32>(&Device::cpu(), &given);
                compare(&given, &single, &wide.outputs, 2e-5);
                close(&single.gradients, &wide.gradients, 1e-4);
                close(&single.start[0], &wide.start[0], 1e-4);
                bits.push([single.gradients, single.outputs[0].clone()]);
            }
            assert!(bits[0] == bits[1], "packing changes {:?}", given.of);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for given in kinds(37, 9, 48) {
        same_on_any_threads(|device| {
            let found = run::<f32>(device, &given);
            found.outputs[0].iter().chain(&found.gradients).map(|v| *v as f32).collect()
        });
    }
}

/// What a slice has beside it does not matter.
#[test]
fn a_sample_is_the_same_in_any_batch() {
    for cell in CELLS {
        let many = Given::new(of(cell, 70, 5, 24));
        let wide = run::<f32>(&Device::cpu(), &many);
        for batch in [1, 3, 18] {
            let mut few = Given::new(of(cell, batch, 5, 24));
            few.kernel.clone_from(&many.kernel);
            few.x = many.x[..few.x.len()].to_vec();
            (0..2).for_each(|at| few.start[at].copy_from_slice(&many.start[at][..batch * 24]));
            let found = run::<f32>(&Device::cpu(), &few);
            assert!(found.outputs[0] == wide.outputs[0][..batch * 5 * 24], "{cell:?} {batch}");
        }
    }
}
