//! What a file may name: Keras' own classes and functions, and those of one's own that are registered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::layer::{Config, FromConfig, Layer};
use crate::layers::registry::{BUILT_IN, Make, built_in, make};
use crate::layers::{calls, unsupported};
use crate::losses::Loss;
use crate::metrics::{IntoMetric, Metric};
use crate::optimizers::{LearningRateSchedule, Optimizer};
use crate::{Activation, Error, Result};

type MakeLoss = fn(&Config, &Registry) -> Result<Box<dyn Loss>>;
type MakeMetric = fn(&Config, &Registry) -> Result<Box<dyn Metric>>;
type MakeOptimizer = fn(&Config, &Registry) -> Result<Box<dyn Optimizer>>;
type MakeSchedule = fn(&Config, &Registry) -> Result<Box<dyn LearningRateSchedule>>;

/// What a file may name beside what Keras has: layers, activations, losses, metrics, optimizers and schedules of one's own.
///
/// A file holds names alone, so a program says what they stand for. What Keras has is known from the start, and a name that is
/// registered takes the place of Keras' own.
///
/// ```
/// use keras_runtime::layers::Dense;
/// use keras_runtime::Registry;
///
/// // In a program of one's own: `Registry::new().register::<Gated>()`.
/// let registry = Registry::new().register::<Dense>();
/// assert!(registry.classes().any(|class| class == "Dense"));
/// ```
///
/// Names are those of the Rust type or function; Python's package in front of a name (`mine>Gated`) does not matter, unless a name
/// is registered with one ([`Registry::register_as`]).
#[derive(Clone, Default)]
pub struct Registry {
    layers: BTreeMap<String, Make>,
    activations: BTreeMap<String, Activation>,
    losses: BTreeMap<String, MakeLoss>,
    metrics: BTreeMap<String, MakeMetric>,
    optimizers: BTreeMap<String, MakeOptimizer>,
    schedules: BTreeMap<String, MakeSchedule>,
}

impl Registry {
    /// What Keras has.
    pub const fn new() -> Registry {
        Registry {
            layers: BTreeMap::new(),
            activations: BTreeMap::new(),
            losses: BTreeMap::new(),
            metrics: BTreeMap::new(),
            optimizers: BTreeMap::new(),
            schedules: BTreeMap::new(),
        }
    }

    /// With a layer more. `#[derive(Layer)]` makes one that can be registered.
    #[must_use]
    pub fn register<L: FromConfig + Layer + 'static>(self) -> Registry {
        self.register_as::<L>(L::CLASS_NAME)
    }

    /// With a layer more, under another name than its type's: the one that Python registered it by, with the package
    /// (`mine>Gated`) or without.
    #[must_use]
    pub fn register_as<L: FromConfig + Layer + 'static>(mut self, name: impl Into<String>) -> Registry {
        self.layers.insert(name.into(), make::<L>);
        self
    }

    /// With an activation more, which `#[activation]` makes of a function. Keras' own are there already.
    #[must_use]
    pub fn register_activation(mut self, activation: Activation) -> Registry {
        if let Activation::Custom(custom) = activation {
            self.activations.insert(custom.name.into(), activation);
        }
        self
    }

    /// With a loss more, which `#[loss]` makes of a function: `register_loss::<quartic>()`. It is found as a metric, too.
    #[must_use]
    pub fn register_loss<L: FromConfig + Loss + 'static>(mut self) -> Registry {
        self.losses.insert(L::CLASS_NAME.into(), |config, registry| {
            let loss = L::from_config(config, registry)?;
            let options = loss.arguments().unwrap_or_else(|| loss.options());
            nothing_else(L::CLASS_NAME, config, &options, &["name", "reduction", "dtype", "fn"])?;
            Ok(Box::new(loss))
        });
        self
    }

    /// With a metric more, which `#[metric]` makes of a function: `register_metric::<within>()`.
    #[must_use]
    pub fn register_metric<M: FromConfig + IntoMetric + 'static>(mut self) -> Registry {
        self.metrics.insert(M::CLASS_NAME.into(), |config, registry| {
            let metric = M::from_config(config, registry)?;
            let metric = match config.get("name").and_then(Value::as_str) {
                Some(name) => metric.into_metric_named(name),
                None => metric.into_metric(),
            };
            // What is written by hand need not be written down.
            let json = metric.to_json();
            if !json.is_null() {
                let options = json.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
                nothing_else(M::CLASS_NAME, config, &options, &["name", "dtype", "fn"])?;
            }
            Ok(metric)
        });
        self
    }

    /// With an optimizer more.
    #[must_use]
    pub fn register_optimizer<O: FromConfig + Optimizer + 'static>(mut self) -> Registry {
        self.optimizers.insert(O::CLASS_NAME.into(), |config, registry| {
            let optimizer = O::from_config(config, registry)?;
            nothing_else(O::CLASS_NAME, config, &optimizer.config(), &[])?;
            Ok(Box::new(optimizer))
        });
        self
    }

    /// With a schedule of learning rates more.
    #[must_use]
    pub fn register_schedule<S: FromConfig + LearningRateSchedule + 'static>(mut self) -> Registry {
        self.schedules.insert(S::CLASS_NAME.into(), |config, registry| {
            let schedule = S::from_config(config, registry)?;
            nothing_else(S::CLASS_NAME, config, &schedule.config(), &["name"])?;
            Ok(Box::new(schedule))
        });
        self
    }

    /// The classes of layers: Keras', and those that are registered.
    pub fn classes(&self) -> impl Iterator<Item = &str> + '_ {
        let own = self.layers.keys().map(String::as_str);
        own.chain(BUILT_IN.iter().map(|(class, _)| *class).filter(|class| !self.layers.contains_key(*class)))
    }

    /// Whether there is such a class of layers.
    pub fn knows(&self, class: &str) -> bool {
        self.layers.contains_key(class) || built_in(class).is_some()
    }

    /// Makes a layer of a class of a module.
    ///
    /// # Errors
    /// If the class is unknown (`module` is where its file says that it comes from), or its configuration says
    /// something that cannot be honoured.
    pub fn make(&self, class: &str, module: &str, config: &Config) -> Result<Arc<dyn Layer>> {
        self.layer(&Origin { class, registered: None, module }, config)
    }

    /// Makes a layer of what a file names.
    pub(crate) fn layer(&self, origin: &Origin<'_>, config: &Config) -> Result<Arc<dyn Layer>> {
        let own = origin.find(&self.layers);
        let Some(make) = own.copied().or_else(|| built_in(origin.class).filter(|_| origin.is_keras())) else {
            return Err(self.unknown_layer(origin));
        };
        let layer = make(config, self)?;
        unsupported::check(origin.class, own.is_some(), config, &calls::whole_config(&*layer))?;
        Ok(layer)
    }

    fn unknown_layer(&self, origin: &Origin<'_>) -> Error {
        let message = match origin.class {
            "Lambda" | "__lambda__" => {
                "Python code inside a file is never run: replace the Lambda by a layer of your own"
                    .to_string()
            }
            _ if origin.is_keras() => "this layer of Keras is not there yet".to_string(),
            class => {
                let name = if is_name(class) { class } else { "Name" };
                format!(
                    "is not known: write it as a layer (`#[derive(Layer)] struct {name}`) and register it \
                     (`Registry::new().register::<{name}>()`)"
                )
            }
        };
        Error::config(origin.to_string(), message)
    }

    /// The activation of this name, if one is registered.
    pub(crate) fn activation(&self, json: &Value) -> Option<Activation> {
        Origin::of(json)?.find(&self.activations).copied()
    }

    /// How the loss that a file names is made, if one is registered.
    pub(crate) fn loss(&self, origin: &Origin<'_>) -> Option<MakeLoss> {
        origin.find(&self.losses).copied()
    }

    /// How the metric that a file names is made, if one is registered.
    pub(crate) fn metric(&self, origin: &Origin<'_>) -> Option<MakeMetric> {
        origin.find(&self.metrics).copied()
    }

    /// How the optimizer that a file names is made, if one is registered.
    pub(crate) fn optimizer(&self, origin: &Origin<'_>) -> Option<MakeOptimizer> {
        origin.find(&self.optimizers).copied()
    }

    /// How the schedule that a file names is made, if one is registered.
    pub(crate) fn schedule(&self, origin: &Origin<'_>) -> Option<MakeSchedule> {
        origin.find(&self.schedules).copied()
    }
}

/// Refuses what a configuration says beyond the options that were made of it.
fn nothing_else(class: &str, config: &Config, options: &Config, also: &[&str]) -> Result<()> {
    let known = |key: &str| options.contains_key(key) || also.contains(&key);
    match config.iter().find(|(key, value)| !known(key) && !value.is_null()) {
        Some((key, _)) => Err(Error::config(
            format!("{class}: `{key}`"),
            "what is registered under this name has no such option",
        )),
        None => Ok(()),
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("layers", &self.layers.keys())
            .field("activations", &self.activations.keys())
            .field("losses", &self.losses.keys())
            .field("metrics", &self.metrics.keys())
            .field("optimizers", &self.optimizers.keys())
            .field("schedules", &self.schedules.keys())
            .finish()
    }
}

/// Whether a class can be the name of a Rust type: files are untrusted, and errors tell what to write.
fn is_name(class: &str) -> bool {
    class.starts_with(|c: char| c.is_ascii_alphabetic())
        && class.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What a file says of where a class or function comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Origin<'a> {
    /// Its name.
    pub class: &'a str,
    /// The name that Python registered it by: `mine>Gated`. Keras writes the class's own name for what was not registered.
    pub registered: Option<&'a str>,
    /// Its module.
    pub module: &'a str,
}

impl<'a> Origin<'a> {
    /// Of an object as Keras writes it, or of a plain name; of a function its name (`{"class_name": "function", "config": name}`).
    pub fn of(json: &'a Value) -> Option<Origin<'a>> {
        if let Some(class) = json.as_str() {
            return Some(Origin { class, registered: None, module: "" });
        }
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let (class, module) = (text("class_name")?, text("module").unwrap_or(""));
        if class == "function" {
            return Some(Origin { class: text("config")?, registered: text("registered_name"), module });
        }
        Some(Origin { class, registered: text("registered_name"), module })
    }

    /// What is kept under one of its names: the whole registered one first, then the one without the package.
    fn find<'m, T>(&self, map: &'m BTreeMap<String, T>) -> Option<&'m T> {
        if map.is_empty() {
            return None;
        }
        let plain = |name: &'a str| name.rsplit('>').next().unwrap_or(name);
        let names = [self.registered, self.registered.map(plain), Some(self.class), Some(plain(self.class))];
        names.into_iter().flatten().find_map(|name| map.get(name))
    }

    /// Whether it is one of Keras' own, as far as the file says.
    pub fn is_keras(&self) -> bool {
        let own = self.registered.unwrap_or(self.class).contains('>');
        let package = self.module.split('.').next().unwrap_or("");
        !own && matches!(package, "" | "keras" | "builtins")
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "class `{}` of module `{}`", self.class, self.module)?;
        match self.registered.filter(|name| *name != self.class && name.contains('>')) {
            Some(name) => write!(f, " (registered as `{name}`)"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::layers::{Dense, Identity};

    #[test]
    fn unknown_classes_say_what_to_do() {
        let text = |class, module| {
            let error = Registry::new().make(class, module, &Config::new()).err().expect("unknown");
            error.to_string()
        };
        assert!(text("Gated", "mine").contains("register::<Gated>()"));
        assert!(text("Gated; rm", "mine").contains("register::<Name>()"));
        assert!(text("Lambda", "keras.layers").contains("never run"));
        assert!(text("Unheard", "keras.layers").contains("not there yet"));
    }

    /// Which layer is made of what a file says: Keras' own, the one that is registered, or none.
    #[test]
    fn names_of_files() {
        let registry = Registry::new().register::<Identity>().register_as::<Identity>("yours>Dense");
        let found = |class: &str, registered: Value, module: &str| {
            let json = json!({"class_name": class, "registered_name": registered, "module": module});
            let config = if class == "Dense" { json!({"units": 3}) } else { json!({}) };
            let config = config.as_object().expect("an object").clone();
            let made = registry.layer(&Origin::of(&json).expect("an origin"), &config);
            made.map_or_else(|e| e.to_string(), |layer| layer.class_name().to_string())
        };
        assert_eq!(found("Dense", Value::Null, "keras.layers"), "Dense");
        assert_eq!(found("Dense", json!("Dense"), "keras.src.layers.core.dense"), "Dense");
        assert_eq!(found("Identity", json!("mine>Identity"), "mine"), "Identity");
        assert_eq!(found("Identity", json!("Identity"), "__main__"), "Identity");
        assert_eq!(found("Other", json!("mine>Identity"), "mine"), "Identity");
        // A class of somebody's own with the name of one of Keras' is not Keras'.
        let unknown = "class `Dense` of module `mine` (registered as `mine>Dense`): is not known";
        assert!(found("Dense", json!("mine>Dense"), "mine").starts_with(unknown));
        assert!(found("Dense", Value::Null, "mine").contains("is not known"));
        // With the package it is another one than without; its options are its own.
        assert!(found("Dense", json!("yours>Dense"), "yours").contains("`units`"));
    }

    #[test]
    fn what_is_registered_comes_first() {
        let registry = Registry::new().register_as::<Dense>("Identity");
        let made = registry.make("Identity", "keras.layers", json!({"units": 2}).as_object().expect("one"));
        assert_eq!(made.expect("a layer").class_name(), "Dense");
        assert_eq!(registry.classes().filter(|class| *class == "Identity").count(), 1);
    }
}
