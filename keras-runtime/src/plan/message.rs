//! Messages that const evaluation can build: the text of an error is the same at compile time and at run time.

use std::fmt;

use keras_kernels::{DType, Shape};

use super::Spec;

const CAPACITY: usize = 400;

/// A short text, built piece by piece.
#[derive(Clone, Copy)]
pub struct Message {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Message {
    /// Starts a message.
    pub const fn new(text: &str) -> Message {
        Message { bytes: [0; CAPACITY], len: 0 }.text(text)
    }

    /// Appends text; what does not fit is cut off.
    #[must_use]
    pub const fn text(mut self, text: &str) -> Message {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() && self.len < CAPACITY {
            self.bytes[self.len] = bytes[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// Appends a number.
    #[must_use]
    pub const fn number(mut self, mut n: usize) -> Message {
        let mut digits = [0u8; 20];
        let mut k = 0;
        loop {
            digits[k] = b'0' + (n % 10) as u8;
            k += 1;
            n /= 10;
            if n == 0 {
                break;
            }
        }
        while k > 0 && self.len < CAPACITY {
            k -= 1;
            self.bytes[self.len] = digits[k];
            self.len += 1;
        }
        self
    }

    /// Appends a number with a sign.
    #[must_use]
    pub const fn signed(self, n: isize) -> Message {
        if n < 0 { self.text("-").number(n.unsigned_abs()) } else { self.number(n as usize) }
    }

    /// Appends a shape: `[28, 28, 1]`.
    #[must_use]
    pub const fn dims(mut self, shape: &Shape) -> Message {
        self = self.text("[");
        let mut i = 0;
        while i < shape.rank() {
            if i > 0 {
                self = self.text(", ");
            }
            self = self.number(shape.dim(i));
            i += 1;
        }
        self.text("]")
    }

    /// Appends the shape of a sample in backticks, with the element type if it is not the float: `` `[i32; 100]` ``.
    #[must_use]
    pub const fn spec(self, spec: &Spec) -> Message {
        if spec.dtype().same(DType::F32) {
            return self.text("`").dims(&spec.shape()).text("`");
        }
        let mut out = self.text("`[").text(in_source(spec.dtype())).text("; ");
        let mut i = 0;
        while i < spec.rank() {
            if i > 0 {
                out = out.text(", ");
            }
            out = out.number(spec.dim(i));
            i += 1;
        }
        out.text("]`")
    }

    /// The text.
    pub const fn as_str(&self) -> &str {
        let (bytes, _) = self.bytes.split_at(self.len);
        match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // Cut off inside a character.
            Err(_) => "(message too long)",
        }
    }
}

/// An element type as `model!` takes it.
const fn in_source(dtype: DType) -> &'static str {
    match dtype {
        DType::F32 => "f32",
        DType::F64 => "f64",
        DType::I32 => "i32",
        DType::I64 => "i64",
        DType::U8 => "u8",
        other => other.name(),
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
