//! The catalogue of shape errors that several layers share. A layer's own errors are beside the layer.

use keras_kernels::{DType, Shape};

use super::{Message, Spec};

/// Wrong number of inputs.
pub const fn arity(expected: usize, inputs: &[Spec]) -> Message {
    let message =
        Message::new("takes ").number(expected).text(if expected == 1 { " input" } else { " inputs" });
    message.text(", found ").number(inputs.len())
}

/// Wrong rank; `expected` is the shape in words or letters, such as `[height, width, channels]`.
pub const fn rank(expected: &str, found: &Spec) -> Message {
    let message = Message::new("expects an input `").text(expected).text("`, found ").spec(found);
    let Some(rank) = dimensions(expected) else { return message };
    if found.rank() + 1 == rank && ends_with(expected, "channels]") {
        let dims = found.shape().insert(found.rank(), 1);
        message.text("; insert `Reshape(").dims(&dims).text(")`?")
    } else if found.rank() < rank {
        message.text("; insert `Reshape`?")
    } else if rank == 1 {
        message.text("; insert `Flatten`?")
    } else {
        message
    }
}

/// How many dimensions a shape in words has; `None` if that is open.
const fn dimensions(shape: &str) -> Option<usize> {
    let bytes = shape.as_bytes();
    let (mut commas, mut i) = (0, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'.' => return None,
            b',' => commas += 1,
            _ => {}
        }
        i += 1;
    }
    Some(commas + 1)
}

const fn ends_with(text: &str, end: &str) -> bool {
    let (text, end) = (text.as_bytes(), end.as_bytes());
    let mut i = 0;
    while i < end.len() && i < text.len() {
        if text[text.len() - 1 - i] != end[end.len() - 1 - i] {
            return false;
        }
        i += 1;
    }
    text.len() >= end.len()
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

/// How the message of [`empty`] starts.
const EMPTY: &str = "needs an input of at least 1 element, found ";

/// Whether a message is that of [`empty`].
pub(crate) const fn is_of_empty(message: &Message) -> bool {
    let (text, start) = (message.as_str().as_bytes(), EMPTY.as_bytes());
    let mut i = 0;
    while i < start.len() {
        if i >= text.len() || text[i] != start[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// An input that has a dimension of 0; `None` if there is no such.
pub const fn empty(inputs: &[Spec]) -> Option<Message> {
    let mut i = 0;
    while i < inputs.len() {
        if inputs[i].size() == 0 && !inputs[i].is_poison() {
            return Some(Message::new(EMPTY).spec(&inputs[i]));
        }
        i += 1;
    }
    None
}

/// Something that no memory can hold.
pub const fn oversized(what: &str, shape: &Shape) -> Message {
    Message::new("is too large: `").text(what).text("` would have the shape `").dims(shape).text("`")
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

/// A mask that does not belong to the input: `expected` says which shape it must have.
pub const fn mask(input: &Spec, mask: &Shape, expected: &Shape) -> Message {
    let message = Message::new("expects a mask of shape `").dims(expected).text("` with its input ");
    message.spec(input).text(", found a mask of shape `").dims(mask).text("`")
}

/// Refuses a mask that does not say of all dimensions of an input but the last what counts.
///
/// # Errors
/// With both shapes.
pub fn masks_of_steps(input: &Spec, mask: Option<&Shape>) -> Result<(), Message> {
    let rank = input.rank();
    let expected = if rank == 0 { input.shape() } else { input.shape().remove(rank - 1) };
    match mask {
        Some(found) if !found.same(&expected) => Err(self::mask(input, found, &expected)),
        _ => Ok(()),
    }
}
