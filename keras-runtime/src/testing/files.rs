//! Configurations, files, and the two ways to make a graph.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keras_kernels::DType;
use serde_json::json;

use super::room::{integers, numbers, upload_integers};
use super::{BATCH, LayerCheck};
use crate::config::origin;
use crate::engine::{
    Body, Definition, GraphSpec, Handle, InputSpec, LayerSpec, Network, NodeSpec, OutputSpec, Source,
    walk_backward, walk_forward,
};
use crate::initializers::{download, upload};
use crate::layer::Layer;
use crate::layers::Registry;
use crate::layers::calls::whole_config;
use crate::plan::Plan;
use crate::{graph, saving};

impl<L: Layer + 'static> LayerCheck<L> {
    /// A layer that is made from its own configuration has the same configuration and the same plan.
    fn check_config(&self, plan: &Plan) -> Option<Arc<dyn Layer>> {
        let (class, config) = (self.layer.class_name(), whole_config(&*self.layer));
        // A layer of one's own may have the name of a built-in one, and not be registered.
        let own = !self.layer.module().starts_with("keras");
        if !self.saved || !self.registry.knows(class) || own && Registry::new().knows(class) {
            return None;
        }
        let (module, _) = origin(&*self.layer);
        let made = self.registry.make(class, &module, &config);
        let made = made.unwrap_or_else(|error| panic!("{class}: its own configuration is refused: {error}"));
        assert_eq!(whole_config(&*made), config, "{class}: the configuration changes when it is read");
        let again = made.plan_for(&self.inputs);
        let again = again.unwrap_or_else(|error| panic!("{class}, from its configuration: {error}"));
        assert_eq!(format!("{plan:?}"), format!("{again:?}"), "{class}: another plan from its configuration");
        Some(made)
    }

    /// A graph of one call, as a program makes it at run time.
    fn definition(&self, layer: Arc<dyn Layer>) -> Definition {
        let mut definition = Definition::new("check");
        let inputs: Vec<Source> = self
            .inputs
            .iter()
            .enumerate()
            .map(|(i, spec)| definition.input(format!("x{i}"), *spec))
            .collect();
        let member = definition.member("layer", Body::Layer(Handle::Shared(layer)));
        definition.members[member].trainable = self.trainable;
        let node = definition.call(member, &inputs).expect("it was planned before");
        for output in 0..definition.nodes[node].plan.outputs.len() {
            definition.output("layer", Source::Node { node, output });
        }
        definition
    }

    /// The same graph as `model!` writes it: of things that live forever.
    fn graph_spec(&self, plan: &Plan) -> &'static GraphSpec {
        fn forever<T>(items: Vec<T>) -> &'static [T] {
            Vec::leak(items)
        }
        let layer: &'static dyn Layer = Box::leak(Box::new(Arc::clone(&self.layer) as Arc<dyn Layer>));
        let inputs = self
            .inputs
            .iter()
            .enumerate()
            .map(|(i, spec)| InputSpec { name: String::leak(format!("x{i}")), spec: *spec });
        let outputs = (0..plan.outputs.len()).map(|output| {
            OutputSpec::new("layer", plan.outputs.as_slice()[output], Source::Node { node: 0, output })
        });
        let layers =
            vec![LayerSpec { name: "layer", layer, trainable: self.trainable, activity_regularizer: None }];
        let sources = forever((0..self.inputs.len()).map(Source::Input).collect());
        let plan: &'static Plan = Box::leak(Box::new(*plan));
        Box::leak(Box::new(GraphSpec {
            name: "check",
            sequential: false,
            inputs: forever(inputs.collect()),
            outputs: forever(outputs.collect()),
            layers: forever(layers),
            nodes: forever(vec![NodeSpec { layer: 0, call: None, inputs: sources, plan }]),
        }))
    }

    /// What a training step leaves, bit for bit: outputs, gradients, state.
    fn step(&self, mut network: Network) -> Vec<Vec<u64>> {
        let at = network.prepare(BATCH, true).expect("memory");
        let device = network.device().clone();
        for (i, view) in network.program(at).inputs.clone().into_iter().enumerate() {
            if view.dtype().is_float() {
                upload(&device, &numbers(view.size(), 11 + i as u64), view);
            } else {
                upload_integers(&device, integers(view.size(), self.integers_below), view);
            }
        }
        network.forward(at, self.training, walk_forward);
        let outputs = network.program(at).outputs.clone();
        let mut found: Vec<Vec<f64>> =
            outputs.iter().filter(|y| y.dtype().is_float()).map(|y| download(&device, *y)).collect();
        for (i, grad) in network.program(at).output_grads.clone().into_iter().enumerate() {
            if let Some(grad) = grad {
                upload(&device, &numbers(grad.view.size(), 41 + i as u64), grad.view);
            }
        }
        if self.layer.differentiable() && self.training {
            network.backward(at, walk_backward);
            let trained = network.variables().iter().filter(|v| v.trainable);
            found.extend(trained.filter_map(|v| network.grad_view(v)).map(|grad| download(&device, grad)));
        }
        found.extend(network.variables().iter().map(|v| network.read(v)));
        found.into_iter().map(|list| list.into_iter().map(f64::to_bits).collect()).collect()
    }

    /// From its configuration, from consts as a model in source has them, and out of a file: always the same layer.
    pub(super) fn check_graphs(&self, plan: &Plan) {
        let Some(made) = self.check_config(plan) else { return };
        let class = self.layer.class_name();
        let new = |definition: Definition| {
            let network =
                Network::with_float(Arc::new(definition), keras_kernels::Device::cpu(), 3, DType::F32);
            let mut network = network.expect("memory");
            // Other numbers than a fresh model has.
            for at in 0..network.variables().len() {
                let values = numbers(network.variables()[at].size(), 51 + at as u64);
                let values: Vec<f64> = values.iter().map(|v| 1.5 + v).collect();
                network.write(at, &values).expect("its own size");
            }
            network
        };
        let dynamic = new(self.definition(made));
        let file = self.through_a_file(&dynamic);
        let expected = self.step(dynamic);
        let found = self.step(new(Definition::from_spec(self.graph_spec(plan))));
        assert!(
            found == expected,
            "{class}: a graph of consts computes something else than one made at run time"
        );
        let Some(file) = file else { return };
        assert!(
            self.step(file) == expected,
            "{class}: a model computes something else after it was saved and loaded"
        );
    }

    /// The network, saved and loaded.
    fn through_a_file(&self, network: &Network) -> Option<Network> {
        let class = self.layer.class_name();
        let definition = network.definition();
        if definition.members[0].is_operation() || self.inputs.iter().any(|spec| !spec.batched()) {
            return None;
        }
        let written = || -> crate::Result<Network> {
            let config = saving::architecture(definition, DType::F32, json!({}))?;
            static FILES: AtomicUsize = AtomicUsize::new(0);
            let number = FILES.fetch_add(1, Ordering::Relaxed);
            let name = format!("layer-check-{}-{number}.keras", std::process::id());
            let path = std::env::temp_dir().join(name);
            let weights = saving::weights::collect(network, None);
            saving::write_tree(&path, &config, &weights, &saving::Assets::default())?;
            let read = saving::read(&path);
            // Whatever it holds: nothing stays behind.
            let _ = std::fs::remove_file(&path);
            let read = read?;
            let blueprint = graph::parse(&read.config, &self.registry)?;
            let definition = Arc::new(blueprint.bind(&self.inputs)?);
            let mut loaded = Network::with_float(definition, network.device().clone(), 3, DType::F32)?;
            saving::weights::apply(&mut loaded, &read.weights, saving::Loading::new())?;
            Ok(loaded)
        };
        Some(written().unwrap_or_else(|error| panic!("{class}: saved and loaded: {error}")))
    }
}
