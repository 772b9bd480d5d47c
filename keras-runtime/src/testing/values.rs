//! One layer on given numbers.

use keras_kernels::{DType, Device, Shape, View};

use super::room::{Room, upload_integers};
use crate::initializers::{download, upload};
use crate::layer::{Call, Context, Layer};
use crate::plan::Spec;

/// Runs one layer forward on given numbers, for comparison with Keras: outputs as 64-bit numbers, computed in `float`.
///
/// # Errors
/// If the layer cannot take the inputs.
pub fn run_layer(
    layer: &dyn Layer,
    inputs: &[(Spec, Vec<f64>)],
    weights: &[Vec<f64>],
    float: DType,
    training: bool,
) -> Result<Vec<Vec<f64>>, String> {
    let specs: Vec<Spec> = inputs.iter().map(|(s, _)| *s).collect();
    let plan = layer.plan_for(&specs).map_err(|m| m.to_string())?;
    let batch = inputs.first().map_or(1, |(s, v)| v.len() / s.size().max(1));
    let device = Device::cpu();
    let mut rooms = Vec::new();
    let mut room = |shape: Shape, dtype: DType| {
        let dtype = if dtype == DType::F32 { float } else { dtype };
        rooms.push(Room::new(shape, dtype, f64::NAN));
        rooms[rooms.len() - 1].view
    };
    let mut call = Call { trainable: true, ..Call::default() };
    for (spec, values) in inputs {
        let view = room(spec.shape_for(batch), spec.dtype());
        if view.dtype().is_float() {
            upload(&device, values, view);
        } else {
            upload_integers(&device, values.iter().map(|v| *v as i64), view);
        }
        call.inputs.push(view);
        call.input_masks.push(None);
    }
    let kinds = [(plan.weights.as_slice(), false), (plan.state.as_slice(), true)];
    let specs = kinds.iter().flat_map(|(specs, state)| specs.iter().map(move |s| (s, *state)));
    let expected = plan.weights.len() + plan.state.len();
    if weights.len() != expected {
        return Err(format!("{} weights were given, the layer has {expected}", weights.len()));
    }
    for ((spec, state), values) in specs.zip(weights) {
        if values.len() != spec.shape.size() {
            return Err(format!(
                "weight `{}` has shape {}, {} numbers were given",
                spec.name,
                spec.shape,
                values.len()
            ));
        }
        let view = room(spec.shape, DType::F32);
        upload(&device, values, view);
        if state { call.state.push(view) } else { call.weights.push(view) }
    }
    call.outputs = plan.outputs.as_slice().iter().map(|s| room(s.shape_for(batch), s.dtype())).collect();
    if let Some(shape) = plan.mask.written(&call.input_masks) {
        call.output_mask = Some(room(shape.insert(0, batch), DType::Bool));
    }
    call.saved = plan.saved.as_slice().iter().map(|s| room(s.shape_for(batch), s.dtype())).collect();
    call.scratch = plan.scratch.as_slice().iter().map(|s| room(s.shape_for(batch), s.dtype())).collect();
    call.packed = plan.packed.as_slice().iter().map(|s| room(s.shape_for(batch), s.dtype())).collect();
    let call = call.placed(layer);
    let cx = Context { device: &device, training, seed: 0, step: 0 };
    if !call.packed.is_empty() {
        layer.pack(&cx, &call);
    }
    if plan.alias {
        return Ok(vec![download(&device, call.inputs[0])]);
    }
    layer.forward(&cx, &call);
    rooms.iter().for_each(|room| room.check("run_layer"));
    let read = |v: &View| match v.dtype() {
        d if d.is_float() => download(&device, *v),
        _ => {
            let wide = Room::new(v.shape(), DType::F64, 0.0);
            device.cast(*v, wide.view);
            download(&device, wide.view)
        }
    };
    Ok(call.outputs.iter().map(read).collect())
}
