//! What the code that `model!` generates calls: assertions in const evaluation, and what is the same for all models.

use serde_json::Map;

use crate::engine::GraphSpec;
use crate::engine::memory::{peak_bytes, train_peak_bytes};
use crate::layer::Config;
use crate::plan::{Message, Plan, PlanResult, Spec, catalogue};

/// Bytes of a float.
const FLOAT: usize = 4;

/// The graph of a model that has a mistake in its source.
pub const EMPTY: GraphSpec =
    GraphSpec { name: "", sequential: false, inputs: &[], outputs: &[], layers: &[], nodes: &[] };

/// Output `at` of a plan; poison if there is no such.
pub const fn output(result: &PlanResult, at: usize) -> Spec {
    match result {
        Ok(plan) if at < plan.outputs.len() => plan.outputs.as_slice()[at],
        _ => Spec::POISON,
    }
}

/// Stops const evaluation if a call has no plan, or yields other than the `count` values that the model takes from it.
/// The label names the layer: `` `Conv2D` (layer `stem`) ``.
#[track_caller]
pub const fn assert_node(result: &PlanResult, count: usize, label: &str) {
    match result {
        // Said where the value without elements comes from: at a declared input, or below.
        Err(message) if catalogue::is_of_empty(message) => {}
        Err(message) => panic!("{}", Message::new(label).text(": ").text(message.as_str()).as_str()),
        Ok(plan) => {
            let mut i = 0;
            while i < plan.outputs.len() {
                let spec = &plan.outputs.as_slice()[i];
                if spec.size() == 0 && !spec.is_poison() {
                    panic!("{}", Message::new(label).text(" yields no elements: ").spec(spec).as_str());
                }
                i += 1;
            }
            if let Err(message) = plan.check_sizes() {
                panic!("{}", Message::new(label).text(": ").text(message.as_str()).as_str());
            }
            let yields = plan.outputs.len();
            if yields != count && !output(result, 0).is_poison() {
                let message = Message::new(label).text(" yields ").number(yields);
                let message = message.text(if yields == 1 { " value" } else { " values" });
                let message = message.text(", and the model takes ").number(count);
                let message = match yields {
                    2 => message.text(": write `let (y, z) = ..`"),
                    3 => message.text(": write `let (y, h, c) = ..`"),
                    _ => message,
                };
                panic!("{}", message.as_str());
            }
        }
    }
}

/// Stops const evaluation if a declared input has no numbers.
#[track_caller]
pub const fn assert_input(spec: &Spec, label: &str) {
    if spec.size() == 0 {
        let message = Message::new(label).text(" has a dimension of 0: ").spec(spec);
        panic!("{}", message.as_str());
    }
}

/// Stops const evaluation if an output is not what the model declares.
#[track_caller]
pub const fn assert_output(found: &Spec, declared: &Spec, label: &str) {
    if found.is_poison() || found.same(declared) {
        return;
    }
    let message =
        Message::new(label).text(" is declared ").spec(declared).text(", but its layers yield ").spec(found);
    let message = if !found.dtype().same(declared.dtype()) {
        message
    } else if found.rank() > declared.rank() && found.rank() > 1 && declared.rank() == 1 {
        message.text("; insert `Flatten`?")
    } else if found.rank() != declared.rank() && found.size() == declared.size() {
        message.text("; insert `Reshape`?")
    } else {
        message
    };
    panic!("{}", message.as_str());
}

/// Trainable numbers of layers with these plans.
pub const fn params(plans: &[&PlanResult]) -> usize {
    let mut n = 0;
    let mut i = 0;
    while i < plans.len() {
        if let Ok(plan) = plans[i] {
            n += match plan.model {
                Some(model) => model.params(),
                None => plan.params(),
            };
        }
        i += 1;
    }
    n
}

/// 32-bit floats per sample that the values of a forward pass take.
pub const fn peak_floats(graph: &GraphSpec) -> usize {
    peak_bytes(graph).div_ceil(FLOAT)
}

/// 32-bit floats per sample that values, what backward keeps, and gradients take in a training step.
pub const fn train_peak_floats(graph: &GraphSpec) -> usize {
    train_peak_bytes(graph).div_ceil(FLOAT)
}

/// The plan of a model that is used as a layer. One with a mistake in its source says nothing more.
pub const fn model_plan(graph: &'static GraphSpec, inputs: &[Spec]) -> PlanResult {
    if graph.outputs.is_empty() { Ok(Plan::POISON) } else { graph.plan(inputs) }
}

/// The class of a model, as Keras calls it.
pub fn model_class(graph: &GraphSpec) -> &'static str {
    if graph.sequential { "Sequential" } else { "Functional" }
}

/// What a model says of itself as a layer. Its layers are written by whoever saves the model around it.
pub fn model_config(graph: &GraphSpec) -> Config {
    Map::from_iter([("name".to_string(), graph.name.into())])
}

/// A model that is used as a layer does not compute: it runs its own calls.
pub fn runs_its_own_calls() -> ! {
    unreachable!("a model that is used as a layer runs its own calls")
}

/// The number of the first leaf of layer `at`, counting the layers of inner models.
pub fn leaf(graph: &GraphSpec, at: usize) -> usize {
    let mut counts = vec![1; at];
    for node in graph.nodes.iter().filter(|node| node.layer < at) {
        if let Some(model) = node.plan.model {
            counts[node.layer] = leaf(model, model.layers.len());
        }
    }
    counts.iter().sum()
}

/// How many leaves layer `at` is: one, or as many as a model has.
pub fn leaves(graph: &GraphSpec, at: usize) -> usize {
    let model = graph.nodes.iter().find(|node| node.layer == at).and_then(|node| node.plan.model);
    model.map_or(1, |model| leaf(model, model.layers.len()))
}

/// Checks generic models with these parameters at `cargo check`.
///
/// A generic model is checked at its definition with the defaults of its parameters. Other instances are checked when
/// code for them is generated, in `cargo build`; this checks them earlier.
///
/// ```text
/// model! { pub Projection<const UNITS: usize = 8>([4]) -> [UNITS] = [Dense(UNITS)] }
/// keras::check!(Projection<16>, Projection<32>);
/// ```
#[macro_export]
macro_rules! check {
    ($($model:ty),+ $(,)?) => { $( const _: usize = <$model as $crate::model::Architecture>::PARAMS; )+ };
}

/// The shape of a value as a type.
#[doc(hidden)]
#[macro_export]
macro_rules! __dims {
    ($spec:expr) => {
        <$crate::rt::Sel<
            { $spec.dim(0) },
            { $spec.dim(1) },
            { $spec.dim(2) },
            { $spec.dim(3) },
            { $spec.dim(4) },
            { $spec.dim(5) },
        > as $crate::rt::Rank<$crate::rt::Tag<{ $spec.rank() }>>>::Dims
    };
}

/// The plan of a wrapper: it says what the layer inside gets, and makes its own plan from the inner one (from both, if it has a
/// layer of its own for the other direction).
#[doc(hidden)]
#[macro_export]
macro_rules! __wrapped {
    ($wrapper:expr, $inputs:expr, $specs:ident => $inner:expr) => {
        $crate::rt::wrapped!(@ $wrapper, $inputs, inputs, $specs => $wrapper.plan_wrapped(inputs, $inner))
    };
    ($wrapper:expr, $inputs:expr, $specs:ident => $forward:expr, $backward:expr) => {
        $crate::rt::wrapped!(@ $wrapper, $inputs, inputs, $specs => {
            let forward = $forward;
            let backward = $wrapper.backward_specs(inputs);
            let $specs: &[$crate::rt::Spec] = backward.as_slice();
            $wrapper.plan_of_both(inputs, forward, $backward)
        })
    };
    (@ $wrapper:expr, $given:expr, $inputs:ident, $specs:ident => $plan:expr) => {{
        let $inputs: &[$crate::rt::Spec] = $given;
        if $crate::rt::any_poison($inputs) {
            Ok($crate::rt::Plan::POISON)
        } else {
            match $wrapper.inner_specs($inputs) {
                Ok(inner) => {
                    let $specs: &[$crate::rt::Spec] = inner.as_slice();
                    $plan
                }
                Err(message) => Err(message),
            }
        }
    }};
}
