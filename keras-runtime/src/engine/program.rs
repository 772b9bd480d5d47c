//! A program: a network's calls with every buffer placed, for one batch size.

use keras_kernels::{DType, Grad, Shape, View};

use super::flat::{Flat, FlatNode};
use super::fusion::Fusion;
use super::memory::{self, NONE, Owned};
use super::role::Ending;
use super::spec::Source;
use crate::Regularizer;
use crate::layer::Call;
use crate::plan::{MaskRule, Spec};

/// Where the numbers of a program lie; who places a program gives it these.
pub struct Ground {
    /// Start of the arena.
    pub arena: *mut u8,
    /// Weights, one view a leaf's weight.
    pub weights: Vec<Vec<View>>,
    /// State, likewise.
    pub state: Vec<Vec<View>>,
    /// Packed forms, likewise.
    pub packed: Vec<Vec<View>>,
    /// Factors and shifts of channels, where fused calls have them: two views, one list a node.
    pub ends: Vec<Vec<View>>,
    /// Gradients of the weights, likewise.
    pub weight_grads: Vec<Vec<View>>,
    /// The float type.
    pub float: DType,
}

/// A network's calls with every buffer placed.
pub struct Program {
    /// Batch size.
    pub batch: usize,
    /// Whether backward follows.
    pub training: bool,
    /// One for each node.
    pub calls: Vec<Call>,
    /// For each node what surrounds its call.
    pub steps: Vec<Step>,
    /// Where the inputs go.
    pub inputs: Vec<View>,
    /// Where the outputs appear.
    pub outputs: Vec<View>,
    /// Masks of the outputs.
    pub output_masks: Vec<Option<View>>,
    /// Where the losses write the gradients of the outputs; `None` where nothing before it is trained.
    pub output_grads: Vec<Option<Grad>>,
    /// Bytes of arena that it takes.
    pub bytes: usize,
}

/// What surrounds a call.
#[derive(Default)]
pub struct Step {
    /// Output and input share memory, or another call computes the output: nothing to do.
    pub alias: bool,
    /// Something before or in it is trained.
    pub backward: bool,
    /// Gradients of outputs that nobody reads: zeroed before backward.
    pub zero: Vec<View>,
    /// For a reshape whose gradient does not share memory: copied on.
    pub pass: Option<(View, Grad)>,
    /// Penalty on the outputs.
    pub activity: Option<Regularizer>,
}

fn round(bytes: usize) -> usize {
    bytes.div_ceil(64).saturating_mul(64)
}

/// Hands out arena memory from its start on.
struct Cursor {
    base: *mut u8,
    at: usize,
}

impl Cursor {
    fn take(&mut self, bytes: usize) -> usize {
        let at = self.at;
        self.at = self.at.saturating_add(round(bytes));
        at
    }

    fn view(&self, at: usize, shape: Shape, dtype: DType) -> View {
        // SAFETY: `Network` allocates `Program::bytes` for the arena before any view is used, keeps it while the program
        // lives, and runs one call at a time; slots overlap only where lifetimes do not.
        unsafe { View::new(self.base.wrapping_add(at), shape, dtype) }
    }
}

impl Program {
    /// Places a network's calls, fused if they are. The views are valid once `ground.arena` has [`Program::bytes`] bytes; with a null arena the
    /// program only tells how many that is.
    pub(super) fn place(
        inputs: &[Spec],
        flat: &Flat,
        fusion: Option<&Fusion>,
        batch: usize,
        training: bool,
        ground: &Ground,
    ) -> Program {
        let nodes = fusion.map_or_else(|| flat.node_specs(), |fusion| fusion.nodes(flat));
        let values = memory::count_values(inputs.len(), &nodes);
        let mut owned = Owned::new(inputs.len(), &nodes);
        let slots = owned.assign(inputs, &nodes, &flat.outputs, training);
        let (grad_slots, needs) = if training {
            owned.assign_grads(inputs, &nodes, &flat.outputs, &flat.trained())
        } else {
            (0, vec![false; values])
        };
        let t = owned.tables();

        let float = ground.float;
        let real = |d: DType| if d == DType::F32 { float } else { d };
        // Plans count floats as 4 bytes.
        let scale = float.size() / 4;
        let mut cursor = Cursor { base: ground.arena, at: 0 };
        let slot_at: Vec<usize> =
            (0..slots).map(|s| cursor.take((t.slot_bytes[s] * scale).saturating_mul(batch))).collect();
        let grad_at: Vec<usize> = (0..grad_slots)
            .map(|s| cursor.take((t.grad_slot_bytes[s] * scale).saturating_mul(batch)))
            .collect();

        let full = |spec: &Spec| spec.shape_for(batch);
        let spec_of = |source: Source| match source {
            Source::Input(i) => inputs[i],
            Source::Node { node, output } => flat.nodes[node].plan.outputs.as_slice()[output],
        };
        let value = |source: Source| memory::value_of(source, t.first);
        let view_of = |cursor: &Cursor, source: Source| {
            let spec = spec_of(source);
            cursor.view(slot_at[t.slot[t.root[value(source)]]], full(&spec), real(spec.dtype()))
        };
        let grad_of = |cursor: &Cursor, source: Source| {
            let slot = t.grad_slot[value(source)];
            (slot != NONE).then(|| cursor.view(grad_at[slot], full(&spec_of(source)), float))
        };

        // Masks stay where they are for the whole pass.
        let mut masks: Vec<Option<View>> = vec![None; values];
        let mut calls: Vec<Call> = Vec::with_capacity(nodes.len());
        let mut steps: Vec<Step> = Vec::with_capacity(nodes.len());
        for (k, node) in flat.nodes.iter().enumerate() {
            let leaf = &flat.leaves[node.leaf];
            let plan = &node.plan;
            let sources = || (0..plan.outputs.len()).map(move |output| Source::Node { node: k, output });
            let place = |cursor: &mut Cursor, specs: &[Spec]| -> Vec<View> {
                let place = |spec: &Spec| {
                    let (shape, dtype) = (full(spec), real(spec.dtype()));
                    let at = cursor.take(shape.size().saturating_mul(dtype.size()));
                    cursor.view(at, shape, dtype)
                };
                specs.iter().map(place).collect()
            };
            let part = fusion.map(|fusion| &fusion.parts[k]);
            let skipped = part.is_some_and(|part| part.skipped);
            let mut call = Call {
                id: k as u32,
                trainable: leaf.trainable,
                weights: ground.weights[node.leaf].clone(),
                state: ground.state[node.leaf].clone(),
                packed: ground.packed[node.leaf].clone(),
                input_masks: node.inputs.iter().map(|s| masks[value(*s)]).collect(),
                ..Call::default()
            };
            if !skipped {
                call.inputs = node.inputs.iter().map(|s| view_of(&cursor, *s)).collect();
                call.outputs = sources().map(|s| view_of(&cursor, s)).collect();
            }
            if let Some(part) = part {
                let like = |view: View| view.reshape(call.outputs[0].shape());
                call.ending = Ending {
                    affine: ground.ends[k].first_chunk().copied().filter(|_| !part.affine.is_empty()),
                    residual: part.residual.map(|source| like(view_of(&cursor, source))),
                    activation: part.activation,
                };
                if let Some((frame, inside)) = part.frame {
                    call.frame = frame;
                    call.inputs[0] = view_of(&cursor, inside);
                }
            }
            match plan.mask {
                MaskRule::Drop => {}
                MaskRule::Pass => {
                    let mask = call.input_masks.iter().flatten().next().copied();
                    sources().for_each(|s| masks[value(s)] = mask);
                }
                MaskRule::First => masks[t.first[k]] = call.input_masks[0],
                MaskRule::Last => masks[t.first[k]] = call.input_masks.last().copied().flatten(),
                MaskRule::Compute(_) | MaskRule::All | MaskRule::Any(_) => {
                    if let Some(sample) = plan.mask.written(&call.input_masks) {
                        let shape = sample.insert(0, batch);
                        let at = cursor.take(shape.size());
                        let mask = cursor.view(at, shape, DType::Bool);
                        call.output_mask = Some(mask);
                        masks[t.first[k]] = Some(mask);
                    }
                }
            }
            if training {
                call.saved = place(&mut cursor, plan.saved.as_slice());
            }
            let backward = training && sources().any(|s| needs[value(s)]);
            steps.push(Step {
                alias: plan.alias || skipped,
                backward,
                activity: leaf
                    .activity_regularizer
                    .or(node.layer.activity_regularizer())
                    .filter(|_| node.penalised),
                ..Step::default()
            });
            calls.push(call);
        }

        // Scratch is one piece, used by one call after the other.
        let scratch_start = cursor.at;
        let mut end = scratch_start;
        // A skipped call has no buffers.
        let at_work = |(call, _): &(&mut Call, &FlatNode)| !call.outputs.is_empty();
        for (call, node) in calls.iter_mut().zip(&flat.nodes).filter(at_work) {
            let put = |cursor: &mut Cursor, specs: &[Spec]| -> Vec<View> {
                let views = specs.iter().map(|spec| {
                    let (shape, dtype) = (full(spec), real(spec.dtype()));
                    let at = cursor.take(shape.size().saturating_mul(dtype.size()));
                    cursor.view(at, shape, dtype)
                });
                views.collect()
            };
            cursor.at = scratch_start;
            call.scratch = put(&mut cursor, node.plan.scratch.as_slice());
            if !training {
                call.saved = put(&mut cursor, node.plan.saved.as_slice());
            }
            end = end.max(cursor.at);
            if training {
                cursor.at = scratch_start;
                call.backward_scratch = put(&mut cursor, node.plan.backward_scratch.as_slice());
                end = end.max(cursor.at);
            }
        }
        cursor.at = end;

        let mut output_grads = vec![None; flat.outputs.len()];
        if training {
            let mut written = vec![false; values];
            let mut contribute = |cursor: &Cursor, source: Source| {
                let view = grad_of(cursor, source)?;
                let first = !std::mem::replace(&mut written[value(source)], true);
                Some(if first { Grad::write(view) } else { Grad::add(view) })
            };
            for (o, source) in flat.outputs.iter().enumerate() {
                output_grads[o] = contribute(&cursor, *source);
            }
            let mut weight_written = vec![false; flat.leaves.len()];
            for k in (0..flat.nodes.len()).rev() {
                let (node, call, step) = (&flat.nodes[k], &mut calls[k], &mut steps[k]);
                if !step.backward {
                    continue;
                }
                for output in 0..node.plan.outputs.len() {
                    let source = Source::Node { node: k, output };
                    let Some(grad) = contribute(&cursor, source) else {
                        // An integer output: the layer sees a view that it never reads.
                        call.output_grads.push(call.outputs[output]);
                        continue;
                    };
                    if !grad.adds() {
                        step.zero.push(grad.view);
                    }
                    call.output_grads.push(grad.view);
                }
                if nodes[k].plan.alias {
                    if let Some(grad) = contribute(&cursor, nodes[k].inputs[0]) {
                        let from = call.output_grads[0];
                        if grad.view.address() != from.address() {
                            let to = Grad { view: grad.view.reshape(from.shape()), mode: grad.mode };
                            step.pass = Some((from, to));
                        }
                    }
                    continue;
                }
                // A value that is given twice to one call gets its second contribution after the first.
                call.input_grads = node.inputs.iter().map(|s| contribute(&cursor, *s)).collect();
                let leaf = &flat.leaves[node.leaf];
                let first = !std::mem::replace(&mut weight_written[node.leaf], true);
                call.weight_grads = ground.weight_grads[node.leaf]
                    .iter()
                    .map(|v| leaf.trainable.then(|| if first { Grad::write(*v) } else { Grad::add(*v) }))
                    .collect();
            }
        }

        let placed = calls
            .into_iter()
            .zip(&flat.nodes)
            .map(|(call, node)| if call.outputs.is_empty() { call } else { call.placed(&*node.layer) });
        let calls = placed.collect();
        let inputs_at = (0..inputs.len()).map(|i| view_of(&cursor, Source::Input(i))).collect();
        let outputs = flat.outputs.iter().map(|s| view_of(&cursor, *s)).collect();
        let output_masks = flat.outputs.iter().map(|s| masks[value(*s)]).collect();
        Program {
            batch,
            training,
            calls,
            steps,
            inputs: inputs_at,
            outputs,
            output_masks,
            output_grads,
            bytes: cursor.at,
        }
    }
}
