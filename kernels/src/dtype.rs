//! Element types.

use std::fmt;

/// Type of the elements of a [`crate::View`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DType {
    /// 32-bit float, the default.
    F32,
    /// 64-bit float; used to check gradients.
    F64,
    /// 32-bit signed integer.
    I32,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
    /// One byte, 0 or 1.
    Bool,
}

impl DType {
    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            DType::F32 | DType::I32 => 4,
            DType::F64 | DType::I64 => 8,
            DType::U8 | DType::Bool => 1,
        }
    }

    /// Whether this is a floating-point type.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// The name that Keras gives this type.
    pub const fn name(self) -> &'static str {
        match self {
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U8 => "uint8",
            DType::Bool => "bool",
        }
    }

    /// `==` in const contexts.
    pub const fn same(self, other: DType) -> bool {
        self as u8 == other as u8
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is the element of some [`DType`]. Sealed: a view's bytes may be read as any of these.
pub trait Element: sealed::Sealed + Copy + Default + PartialOrd + Send + Sync + fmt::Debug + 'static {
    /// The type's tag.
    const DTYPE: DType;
    /// From a 64-bit float, as `as` converts.
    fn from_f64(value: f64) -> Self;
    /// To a 64-bit float, as `as` converts.
    fn to_f64(self) -> f64;
    /// From a 64-bit integer, as `as` converts.
    fn from_i64(value: i64) -> Self;
    /// To a 64-bit integer, as `as` converts.
    fn to_i64(self) -> i64;
}

macro_rules! element {
    ($($t:ty => $d:ident),*) => { $(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            #[inline]
            fn from_f64(value: f64) -> Self { value as $t }
            #[inline]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline]
            fn from_i64(value: i64) -> Self { value as $t }
            #[inline]
            fn to_i64(self) -> i64 { self as i64 }
        }
    )* };
}
element!(f32 => F32, f64 => F64, i32 => I32, i64 => I64, u8 => U8);

/// `f32` or `f64`: what kernels are generic over.
pub trait Float: Element + num_traits::Float + num_traits::NumAssign + std::iter::Sum {}
impl Float for f32 {}
impl Float for f64 {}

/// Runs `$body` with the type alias `$t` set to the Rust float type of `$dtype`.
///
/// # Panics
/// If `$dtype` is not a float: the plan of a layer rules that out before a kernel runs.
#[macro_export]
macro_rules! with_float {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
            other => unreachable!("a float kernel was planned for {other}"),
        }
    };
}
