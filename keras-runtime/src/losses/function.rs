//! Functions of the user's own as losses and metrics: `#[loss]` and `#[metric]` write what is missing here.

use serde_json::{Value, json};

use super::{Common, LabelKind, Loss, Reduction, RowAxes};
use crate::layer::Config;
use crate::training::formula::Expr;

/// A function of the user's own, as Keras names it in files.
pub(crate) fn function_json(name: &str) -> Value {
    json!({"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"})
}

/// A loss of the user's own: the function alone where that says everything, as Keras does.
pub(crate) fn loss_json(function: &str, common: &Common, arguments: Config) -> Value {
    if arguments.is_empty() && common.name == function && common.reduction == Reduction::SumOverBatchSize {
        return function_json(function);
    }
    let mut config = Config::new();
    config.insert("name".into(), common.name.as_ref().into());
    config.insert("reduction".into(), common.reduction.name().into());
    config.insert("fn".into(), function_json(function));
    config.extend(arguments);
    wrapper("keras.src.losses.losses", "LossFunctionWrapper", config)
}

/// A metric of the user's own.
pub(crate) fn metric_json(function: &str, name: &str, arguments: Config) -> Value {
    if arguments.is_empty() && name == function {
        return function_json(function);
    }
    let mut config = Config::new();
    config.insert("name".into(), name.into());
    config.insert("dtype".into(), "float32".into());
    config.insert("fn".into(), function_json(function));
    config.extend(arguments);
    wrapper("keras.src.metrics.reduction_metrics", "MeanMetricWrapper", config)
}

fn wrapper(module: &str, class: &str, config: Config) -> Value {
    json!({"module": module, "class_name": class, "config": config, "registered_name": class})
}

/// What is said about a function that a file names and this program does not have.
pub(crate) fn unknown(name: &str, register: &str) -> String {
    format!(
        "`{name}` is a function of the program that saved the model, and a file holds its name alone: register it \
         (`Registry::new().{register}::<..>()`), or compile the model anew"
    )
}

/// The number of a row of a function whose result has one for each element: their mean, or their sum where all are summed.
pub fn row_of<'t>(result: Expr<'t>, reduction: Reduction) -> Expr<'t> {
    match reduction {
        _ if result.is_row() => result,
        Reduction::Sum | Reduction::None => result.sum(),
        Reduction::SumOverBatchSize | Reduction::Mean | Reduction::MeanWithSampleWeight => result.mean(),
    }
}

/// What `y_pred.dim(-1)` asks in a function of the user's own.
pub struct RowSize(usize);

impl RowSize {
    /// Of the rows on this value's tape.
    pub fn of(value: Expr<'_>) -> RowSize {
        RowSize(value.tape().width())
    }

    /// The size of the last axis, whichever value is asked.
    pub fn dim(&self, _value: usize, _axis: isize) -> usize {
        self.0
    }
}

/// A metric of the user's own: its mean over rows is reported.
pub trait RowMetric: Clone + Send + Sync + 'static {
    /// The function's name.
    const NAME: &'static str;
    /// How labels are written.
    const LABELS: LabelKind;
    /// Which axes make a row.
    const AXES: RowAxes;

    /// The numbers that it was given.
    fn arguments(&self) -> Config;

    /// The number of each row.
    fn rows<'t>(&self, labels: Expr<'t>, predictions: Expr<'t>) -> Expr<'t>;
}

/// A metric in the form that means over rows are computed of.
pub(crate) struct Rows<M> {
    metric: M,
    common: Common,
}

impl<M: RowMetric> Rows<M> {
    pub(crate) fn new(metric: M) -> Self {
        Rows { metric, common: Common::named(M::NAME) }
    }
}

impl<M: RowMetric> Loss for Rows<M> {
    fn class_name(&self) -> &'static str {
        M::NAME
    }
    fn common(&self) -> &Common {
        &self.common
    }
    fn label_kind(&self) -> LabelKind {
        M::LABELS
    }
    fn axes(&self) -> RowAxes {
        M::AXES
    }
    fn rows<'t>(&self, labels: Expr<'t>, predictions: Expr<'t>) -> Expr<'t> {
        self.metric.rows(labels, predictions)
    }
    fn arguments(&self) -> Option<Config> {
        Some(self.metric.arguments())
    }
    fn boxed(&self) -> Box<dyn Loss> {
        Box::new(Rows::new(self.metric.clone()))
    }
}
