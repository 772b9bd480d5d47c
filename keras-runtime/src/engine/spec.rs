//! A graph as `model!` writes it: consts that refer to consts.

use crate::Regularizer;
use crate::layer::Layer;
use crate::plan::{Message, Plan, PlanResult, Spec, any_poison, catalogue};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// An input of the graph.
    Input(usize),
    /// An output of a node.
    Node {
        /// The node.
        node: usize,
        /// Which of its outputs.
        output: usize,
    },
}

impl Source {
    /// The only (or first) output of a node.
    pub const fn node(node: usize) -> Source {
        Source::Node { node, output: 0 }
    }
}

/// An input of a graph.
#[derive(Clone, Copy, Debug)]
pub struct InputSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub spec: Spec,
}

impl InputSpec {
    /// An input.
    pub const fn new(name: &'static str, spec: Spec) -> InputSpec {
        InputSpec { name, spec }
    }
}

/// An output of a graph.
#[derive(Clone, Copy, Debug)]
pub struct OutputSpec {
    /// Its name.
    pub name: &'static str,
    /// What it is declared to be.
    pub spec: Spec,
    /// Which value it is.
    pub source: Source,
}

impl OutputSpec {
    /// An output.
    pub const fn new(name: &'static str, spec: Spec, source: Source) -> OutputSpec {
        OutputSpec { name, spec, source }
    }
}

/// A layer of a graph; several nodes may call it.
#[derive(Clone, Copy)]
pub struct LayerSpec {
    /// Its name in the model: `dense_1`.
    pub name: &'static str,
    /// The layer, or a model that is used as one (then its plan's `model` is set).
    pub layer: &'static dyn Layer,
    /// Whether its weights are trained.
    pub trainable: bool,
    /// Penalty on its outputs.
    pub activity_regularizer: Option<Regularizer>,
}

impl LayerSpec {
    /// A layer that is trained.
    pub const fn new(name: &'static str, layer: &'static dyn Layer) -> LayerSpec {
        LayerSpec { name, layer, trainable: true, activity_regularizer: None }
    }

    /// Whether its weights are trained.
    #[must_use]
    pub const fn trainable(mut self, trainable: bool) -> LayerSpec {
        self.trainable = trainable;
        self
    }

    /// With a penalty on its outputs.
    #[must_use]
    pub const fn activity_regularizer(mut self, regularizer: Regularizer) -> LayerSpec {
        self.activity_regularizer = Some(regularizer);
        self
    }
}

/// One call of a layer.
#[derive(Clone, Copy)]
pub struct NodeSpec<'a> {
    /// Which layer, by its place in the graph's list.
    pub layer: usize,
    /// The layer with options that this call alone has (`use_causal_mask = true`).
    pub call: Option<&'a dyn Layer>,
    /// What it is called on.
    pub inputs: &'a [Source],
    /// The plan for these inputs.
    pub plan: &'a Plan,
}

impl NodeSpec<'static> {
    /// A call of layer `layer`. One that has no plan, for a mistake that is reported elsewhere, yields poison.
    pub const fn new(
        layer: usize,
        inputs: &'static [Source],
        plan: &'static PlanResult,
    ) -> NodeSpec<'static> {
        let plan = match plan {
            Ok(plan) => plan,
            Err(_) => &Plan::POISON,
        };
        NodeSpec { layer, call: None, inputs, plan }
    }

    /// With options that this call alone has.
    #[must_use]
    pub const fn with_options(mut self, layer: &'static dyn Layer) -> NodeSpec<'static> {
        self.call = Some(layer);
        self
    }
}

/// A model's graph, in an order in which it can be computed.
#[derive(Clone, Copy)]
pub struct GraphSpec {
    /// The model's name.
    pub name: &'static str,
    /// Whether it was written as a list of layers.
    pub sequential: bool,
    /// Inputs.
    pub inputs: &'static [InputSpec],
    /// Outputs.
    pub outputs: &'static [OutputSpec],
    /// Layers, in order of creation.
    pub layers: &'static [LayerSpec],
    /// Calls, in order of computation.
    pub nodes: &'static [NodeSpec<'static>],
}

impl GraphSpec {
    /// What a value is.
    pub const fn spec_of(&self, source: Source) -> Spec {
        match source {
            Source::Input(i) => self.inputs[i].spec,
            Source::Node { node, output } => self.nodes[node].plan.outputs.as_slice()[output],
        }
    }

    /// Trainable numbers of all layers, each counted once.
    pub const fn params(&self) -> usize {
        let mut n = 0;
        let mut k = 0;
        while k < self.nodes.len() {
            if self.is_first_call(k) {
                let plan = self.nodes[k].plan;
                n += match plan.model {
                    Some(model) => model.params(),
                    None => plan.params(),
                };
            }
            k += 1;
        }
        n
    }

    /// Numbers in the state variables of all layers, each counted once.
    pub const fn state_size(&self) -> usize {
        let mut n = 0;
        let mut k = 0;
        while k < self.nodes.len() {
            if self.is_first_call(k) {
                let plan = self.nodes[k].plan;
                n += match plan.model {
                    Some(model) => model.state_size(),
                    None => plan.state_size(),
                };
            }
            k += 1;
        }
        n
    }

    const fn is_first_call(&self, node: usize) -> bool {
        // Layers are mostly called once, right when they are created, so this looks back a step or two.
        let mut k = node;
        while k > 0 {
            k -= 1;
            if self.nodes[k].layer == self.nodes[node].layer {
                return false;
            }
        }
        true
    }

    /// The plan of this graph when it is used as a layer. It yields what it declares: if its layers do not, that is its own mistake.
    pub const fn plan(&'static self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        if inputs.len() != self.inputs.len() {
            return Err(catalogue::arity(self.inputs.len(), inputs));
        }
        let mut i = 0;
        while i < inputs.len() {
            let declared = self.inputs[i].spec;
            if !declared.same(&inputs[i]) {
                let mut message = Message::new("expects ");
                if self.inputs.len() > 1 {
                    message = message.text("input `").text(self.inputs[i].name).text("` of shape ");
                } else {
                    message = message.text("an input of shape ");
                }
                return Err(message.spec(&declared).text(", found ").spec(&inputs[i]));
            }
            i += 1;
        }
        let mut plan = Plan::new(self.outputs[0].spec);
        let mut o = 1;
        while o < self.outputs.len() {
            plan = plan.output(self.outputs[o].spec);
            o += 1;
        }
        plan.model = Some(self);
        Ok(plan)
    }
}
