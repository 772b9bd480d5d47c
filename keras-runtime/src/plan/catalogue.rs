//! The catalogue of shape errors that several layers share. A layer's own errors are beside the layer.

use keras_kernels::DType;

use super::{Message, Spec};

/// Wrong number of inputs.
pub const fn arity(expected: usize, inputs: &[Spec]) -> Message {
    let message =
        Message::new("takes ").number(expected).text(if expected == 1 { " input" } else { " inputs" });
    message.text(", found ").number(inputs.len())
}

/// Wrong rank; `expected` is the shape in words or letters, such as `[height, width, channels]`.
pub const fn rank(expected: &str, found: &Spec) -> Message {
    Message::new("expects an input `").text(expected).text("`, found ").spec(found)
}

/// An axis that the input does not have.
pub const fn axis(axis: isize, found: &Spec) -> Message {
    let message = Message::new("axis ").signed(axis).text(" is out of range for ").spec(found);
    if axis == 0 && found.batched() { message.text(" (axis 0 is the batch)") } else { message }
}

/// An option whose value must be positive.
pub const fn positive(option: &str) -> Message {
    Message::new("`").text(option).text("` must be at least 1, found 0")
}

/// A floating-point input is needed.
pub const fn float(found: &Spec) -> Message {
    let message = Message::new("expects a float input, found ").spec(found);
    if matches!(found.dtype(), DType::I32 | DType::I64) {
        message.text("; insert `Embedding`, or declare floats?")
    } else {
        message
    }
}
