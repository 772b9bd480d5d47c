//! From a [`Blueprint`] and concrete shapes to a [`Definition`].

use std::sync::Arc;

use keras_kernels::{DType, Shape};

use super::{Blueprint, PartKind, Slot, casting};
use crate::engine::{Body, Definition, Handle, Member, Structure};
use crate::plan::Spec;
use crate::{Error, Result};

impl Slot {
    /// The spec of this input for samples of these dimensions. Floats of any type become those of the model, as Keras' layers cast
    /// them.
    ///
    /// # Errors
    /// If they are not what it takes.
    pub fn bind(&self, dims: &[usize]) -> Result<Spec> {
        let fits = dims.len() == self.dims.len()
            && self.dims.iter().zip(dims).all(|(want, found)| want.is_none_or(|want| want == *found));
        match Shape::try_of(dims) {
            Some(shape) if fits && dims.len() < keras_kernels::MAX_RANK && !shape.is_oversized() => {
                let dtype = if self.dtype.is_float() { DType::F32 } else { self.dtype };
                Ok(Spec::sample(shape).with_dtype(dtype))
            }
            _ => Err(Error::Data(format!(
                "input `{}` takes samples of shape {}, found {dims:?}",
                self.name,
                self.describe()
            ))),
        }
    }

    /// Its shape with `None` for what data decides, as Keras prints it.
    pub fn describe(&self) -> String {
        let dims: Vec<String> =
            self.dims.iter().map(|d| d.map_or("None".into(), |d| d.to_string())).collect();
        format!("[{}]", dims.join(", "))
    }

    /// The spec, if every dimension is known.
    pub fn spec(&self) -> Option<Spec> {
        let dims = self.dims.iter().copied().collect::<Option<Vec<usize>>>()?;
        self.bind(&dims).ok()
    }
}

impl Structure for Blueprint {
    fn definition(&self, inputs: &[Spec]) -> Result<Definition> {
        for (slot, spec) in self.inputs.iter().zip(inputs) {
            slot.bind(&spec.shape().to_vec())?;
        }
        self.bind(inputs)
    }
}

impl Blueprint {
    /// The specs of all inputs, if every dimension is known.
    pub fn specs(&self) -> Option<Vec<Spec>> {
        if self.inputs.is_empty() { None } else { self.inputs.iter().map(Slot::spec).collect() }
    }

    /// The structure for inputs of these specs.
    ///
    /// # Errors
    /// If an input or a layer cannot take what it gets.
    pub fn bind(&self, inputs: &[Spec]) -> Result<Definition> {
        let mut definition = self.bind_inner(inputs)?;
        if !self.trainable {
            definition.members.iter_mut().for_each(|member| member.trainable = false);
        }
        Ok(definition)
    }

    fn bind_inner(&self, inputs: &[Spec]) -> Result<Definition> {
        let mut out = Definition::new(&self.name);
        (out.sequential, out.each_step) = (self.sequential, self.each_step);
        let one_step = out.one_step(inputs).map_err(|message| Error::Plan {
            layer: self.name.clone(),
            class: "TimeDistributed".into(),
            message,
        })?;
        let inputs = &one_step[..];
        for (at, spec) in inputs.iter().enumerate() {
            let name = self.inputs.get(at).map_or("input_layer", |slot| slot.name.as_str());
            out.input(name, *spec);
        }
        // A model inside is bound when it is called first: then its shapes are known.
        for part in &self.parts {
            let body = match &part.kind {
                PartKind::Layer(layer) => Body::Layer(Handle::Shared(Arc::clone(layer))),
                PartKind::Model(model) => Body::Model(Arc::new(Definition::new(&model.name))),
                PartKind::Operation => self.operation(part)?,
            };
            out.members.push(Member {
                name: part.name.clone(),
                body,
                trainable: part.trainable,
                activity_regularizer: part.activity_regularizer,
                policy: part.policy,
            });
        }
        let mut bound = vec![false; self.parts.len()];
        for call in &self.calls {
            let part = &self.parts[call.part];
            if let PartKind::Model(model) = &part.kind {
                self.check_sources(&out, &call.inputs, &part.name)?;
                let specs: Vec<Spec> = call.inputs.iter().map(|s| out.spec_of(*s)).collect();
                if !std::mem::replace(&mut bound[call.part], true) {
                    out.members[call.part].body = Body::Model(Arc::new(model.bind_inner(&specs)?));
                }
            }
            self.check_sources(&out, &call.inputs, &part.name)?;
            let layer = match (&call.layer, &part.kind) {
                (own, PartKind::Layer(layer)) => {
                    let specs: Vec<Spec> = call.inputs.iter().map(|s| out.spec_of(*s)).collect();
                    let called = own.clone().unwrap_or_else(|| Handle::Shared(Arc::clone(layer)));
                    casting::on_integers(called, &specs).or_else(|| own.clone())
                }
                (own, _) => own.clone(),
            };
            let node = out.call_with(call.part, layer, &call.inputs)?;
            if call.masks.iter().any(Option::is_some) {
                let masks: Vec<_> = call.masks.iter().flatten().copied().collect();
                self.check_sources(&out, &masks, &part.name)?;
                out.mask(node, &call.masks)?;
            }
        }
        for (name, source) in &self.outputs {
            self.check_sources(&out, std::slice::from_ref(source), name)?;
            out.output(name, *source);
        }
        Ok(out)
    }

    /// The member that stands for an operation: the layer of its first call.
    fn operation(&self, part: &super::Part) -> Result<Body> {
        let at = self.parts.iter().position(|p| std::ptr::eq(p, part));
        let call = self.calls.iter().find(|call| Some(call.part) == at).and_then(|call| call.layer.clone());
        call.map(Body::Layer)
            .ok_or_else(|| Error::config(format!("operation `{}`", part.name), "is never called"))
    }

    /// A file may name outputs that a layer does not have.
    fn check_sources(&self, out: &Definition, sources: &[crate::engine::Source], name: &str) -> Result<()> {
        use crate::engine::Source;
        let there = |source: &Source| match *source {
            Source::Input(i) => i < out.inputs.len(),
            Source::Node { node, output } => {
                out.nodes.get(node).is_some_and(|n| output < n.plan.outputs.len())
            }
        };
        if sources.iter().all(there) {
            return Ok(());
        }
        Err(Error::config(
            format!("model `{}`", self.name),
            format!("`{name}` uses an output that the layer before it does not have"),
        ))
    }
}
