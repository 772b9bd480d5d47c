//! What generated code refers to. Not for use by hand.

pub use crate::config::{ConfigValue, config_or_with, config_required_with};
pub use crate::engine::memory::{peak_bytes, train_peak_bytes};
pub use crate::engine::{
    GraphSpec, InputSpec, LayerSpec, Network, NodeSpec, OutputSpec, Run, Source, shared_plan,
};
pub use crate::layer::{Call, Config, Configure, Context, FromConfig, Layer};
pub use crate::layers::options::{Axes, Borders, IntoAxes, IntoBorders, PartialShape};
pub use crate::losses::function::{RowMetric, RowSize, row_of};
pub use crate::losses::{ClassNumber, Common, LabelKind, Loss, RowAxes, TakesLabels};
pub use crate::metrics::{IntoMetric, Metric, OfLoss};
pub use crate::model::source::{
    EMPTY, assert_input, assert_node, assert_output, model_class, model_config, model_plan, output, params,
    peak_floats, runs_its_own_calls, train_peak_floats,
};
pub use crate::model::{
    Access, Architecture, Batch, D0, D1, Dims, IsLayer, LayerAccess, LayerMut, LayerRef, NoWeights, Outer,
    Place, Rank, Reads, Sel, Tag, Weighted, Writes,
};
pub use crate::operations::Operation;
pub use crate::operations::setting::{Argument, Index, Setting};
pub use crate::ops::generated::*;
pub use crate::plan::{
    Given, IntoFloat, IntoSize, Ints, List, MaskRule, Message, Plan, PlanResult, Size, Spec, Text,
    WeightSpec, any_poison, assert_layer, catalogue, float_of, or_poison,
};
pub use crate::registry::Registry;
pub use crate::training::formula::Expr;
pub use crate::{__dims as dims, __wrapped as wrapped};
pub use keras_kernels::activation::CustomActivation;
pub use keras_kernels::elementwise::{Binary, Instr, Program as Chain, Unary};
pub use keras_kernels::reduce::Reduce;
/// Any array of numbers, and its dimensions.
pub use ndarray::{ArrayRef, Dimension};
/// The values of a weight.
pub type Values = ndarray::ArrayD<f32>;
pub use keras_kernels::{DType, Element, Grad, Mode, Shape, View};
