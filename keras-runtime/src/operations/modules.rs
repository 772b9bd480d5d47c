//! In which module of Keras the class of each operation is.

use super::function::FUNCTIONS;

const NUMPY: &str = "keras.src.ops.numpy";
const NN: &str = "keras.src.ops.nn";
const CORE: &str = "keras.src.ops.core";
const MATH: &str = "keras.src.ops.math";
const LINALG: &str = "keras.src.ops.linalg";

/// Classes of operations that are not functions of elements, and functions that are not in Keras' numpy.
const CLASSES: &[(&str, &[&str])] = &[
    (
        NUMPY,
        &[
            "All",
            "Amax",
            "Amin",
            "Any",
            "Argmax",
            "Argmin",
            "BroadcastTo",
            "Clip",
            "Concatenate",
            "Cumsum",
            "Einsum",
            "ExpandDims",
            "Flip",
            "GetItem",
            "Matmul",
            "Max",
            "Mean",
            "Min",
            "Moveaxis",
            "NanToNum",
            "OnesLike",
            "Pad",
            "Prod",
            "Repeat",
            "Reshape",
            "Roll",
            "Round",
            "Split",
            "Squeeze",
            "Stack",
            "Std",
            "Sum",
            "Swapaxes",
            "Take",
            "Tile",
            "Transpose",
            "Var",
            "ZerosLike",
        ],
    ),
    (
        NN,
        &[
            "Celu",
            "Elu",
            "Gelu",
            "Glu",
            "HardShrink",
            "HardSigmoid",
            "HardSilu",
            "HardTanh",
            "LeakyRelu",
            "LogSigmoid",
            "LogSoftmax",
            "Normalize",
            "OneHot",
            "Relu",
            "Relu6",
            "Selu",
            "Sigmoid",
            "Silu",
            "SoftShrink",
            "Softmax",
            "Softplus",
            "Softsign",
            "SparsePlus",
            "SparseSigmoid",
            "Sparsemax",
            "Squareplus",
            "TanhShrink",
            "Threshold",
        ],
    ),
    (CORE, &["Cast", "ConvertToTensor", "StopGradient", "Unstack"]),
    (MATH, &["Erf", "Erfc", "Logsumexp", "Rsqrt"]),
    (LINALG, &["Norm"]),
];

/// The class, and the module that it is in: the one that a file says where it is one of those that operations are in.
pub(super) fn known(class: &str, said: &str) -> Option<(&'static str, &'static str)> {
    let listed = CLASSES.iter().find_map(|(module, classes)| {
        classes.iter().find(|known| **known == class).map(|known| (*known, *module))
    });
    let function = || FUNCTIONS.iter().find(|(known, ..)| *known == class).map(|(known, ..)| (*known, NUMPY));
    let (class, module) = listed.or_else(function)?;
    let said = CLASSES.iter().map(|(module, _)| *module).find(|module| *module == said);
    Some((class, said.unwrap_or(module)))
}
