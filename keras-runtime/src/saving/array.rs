//! Arrays as files hold them: a shape, an element type, little-endian bytes.

use keras_kernels::{DType, View};

use super::bytes::Bytes;
use crate::{Error, Result};

/// Element type of an array in a file. Wider than [`DType`]: files also hold types that no kernel computes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// 16-bit float.
    F16,
    /// The upper half of a 32-bit float.
    BF16,
    /// 32-bit float.
    F32,
    /// 64-bit float.
    F64,
    /// 8-bit signed integer.
    I8,
    /// 16-bit signed integer.
    I16,
    /// 32-bit signed integer.
    I32,
    /// 64-bit signed integer.
    I64,
    /// 8-bit unsigned integer.
    U8,
    /// 16-bit unsigned integer.
    U16,
    /// 32-bit unsigned integer.
    U32,
    /// 64-bit unsigned integer.
    U64,
    /// One byte, 0 or 1.
    Bool,
}

impl Stored {
    /// All of them.
    pub const ALL: [Stored; 13] = [
        Stored::F16,
        Stored::BF16,
        Stored::F32,
        Stored::F64,
        Stored::I8,
        Stored::I16,
        Stored::I32,
        Stored::I64,
        Stored::U8,
        Stored::U16,
        Stored::U32,
        Stored::U64,
        Stored::Bool,
    ];

    /// Bytes of one element.
    pub const fn size(self) -> usize {
        match self {
            Stored::I8 | Stored::U8 | Stored::Bool => 1,
            Stored::F16 | Stored::BF16 | Stored::I16 | Stored::U16 => 2,
            Stored::F32 | Stored::I32 | Stored::U32 => 4,
            Stored::F64 | Stored::I64 | Stored::U64 => 8,
        }
    }

    /// The type that kernels of this type's numbers run in, without loss; `None` for those that have none.
    pub const fn exact(self) -> Option<DType> {
        match self {
            Stored::F32 => Some(DType::F32),
            Stored::F64 => Some(DType::F64),
            Stored::I32 => Some(DType::I32),
            Stored::I64 => Some(DType::I64),
            Stored::U8 => Some(DType::U8),
            Stored::Bool => Some(DType::Bool),
            _ => None,
        }
    }
}

impl From<DType> for Stored {
    fn from(dtype: DType) -> Stored {
        match dtype {
            DType::F64 => Stored::F64,
            DType::I32 => Stored::I32,
            DType::I64 => Stored::I64,
            DType::U8 => Stored::U8,
            DType::Bool => Stored::Bool,
            _ => Stored::F32,
        }
    }
}

/// An array of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Dimensions, outermost first.
    pub shape: Vec<usize>,
    /// Element type.
    pub stored: Stored,
    /// The elements, little-endian, row-major.
    pub bytes: Bytes,
}

impl Array {
    /// An array of these bytes.
    ///
    /// # Errors
    /// If their number is not that of the shape's elements.
    pub fn new(shape: Vec<usize>, stored: Stored, bytes: impl Into<Bytes>) -> Result<Array> {
        let bytes = bytes.into();
        let size = shape.iter().try_fold(stored.size(), |n, d| n.checked_mul(*d));
        if size != Some(bytes.len()) {
            let found = bytes.len();
            return Err(Error::Data(format!("an array of shape {shape:?} cannot have {found} bytes")));
        }
        Ok(Array { shape, stored, bytes })
    }

    /// The numbers, in the given type.
    pub fn of(shape: Vec<usize>, dtype: DType, values: &[f64]) -> Array {
        let bytes = encode(values, Stored::from(dtype)).into();
        Array { shape, stored: dtype.into(), bytes }
    }

    /// One number.
    pub fn scalar(stored: Stored, value: f64) -> Array {
        Array { shape: Vec::new(), stored, bytes: encode(&[value], stored).into() }
    }

    /// Zeros.
    pub fn zeros(shape: Vec<usize>, dtype: DType) -> Array {
        let bytes = vec![0; shape.iter().product::<usize>() * dtype.size()];
        Array { shape, stored: dtype.into(), bytes: bytes.into() }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.stored.size()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The numbers as 64-bit floats.
    pub fn to_f64(&self) -> Vec<f64> {
        decode(&self.bytes, self.stored)
    }

    /// Whether its bytes are what a device of this machine has for the type. Those of a file's booleans may be anything.
    fn is_exactly(&self, dtype: DType) -> bool {
        self.stored.exact() == Some(dtype) && dtype != DType::Bool && cfg!(target_endian = "little")
    }

    /// Whether the numbers may be read where they are, as those of a device of this machine.
    pub(crate) fn is_ready(&self, dtype: DType) -> bool {
        self.is_exactly(dtype) && self.bytes.as_ptr().addr().is_multiple_of(dtype.size())
    }

    /// The bytes of the same numbers in another type, converted as `as` converts, in the byte order of this machine.
    pub fn bytes_as(&self, dtype: DType) -> Vec<u8> {
        if self.is_exactly(dtype) {
            return self.bytes.to_vec();
        }
        // 64-bit integers beyond 2^53 would lose digits on the way through floats.
        if dtype == DType::I64 && self.stored == Stored::I32 {
            let widen = |b: &[u8; 4]| i64::from(i32::from_le_bytes(*b)).to_ne_bytes();
            return self.bytes.as_chunks::<4>().0.iter().flat_map(widen).collect();
        }
        let values = self.to_f64();
        match dtype {
            DType::F64 => values.iter().flat_map(|v| v.to_ne_bytes()).collect(),
            DType::I32 => values.iter().flat_map(|v| (*v as i32).to_ne_bytes()).collect(),
            DType::I64 => values.iter().flat_map(|v| (*v as i64).to_ne_bytes()).collect(),
            DType::U8 => values.iter().map(|v| *v as u8).collect(),
            DType::Bool => values.iter().map(|v| u8::from(*v != 0.0)).collect(),
            _ => values.iter().flat_map(|v| (*v as f32).to_ne_bytes()).collect(),
        }
    }

    /// Forgets all but so many samples along the first dimension.
    pub(crate) fn truncate(&mut self, samples: usize) {
        if let Some(all) = self.shape.first_mut().filter(|all| **all > samples) {
            let bytes = self.bytes.len() / *all * samples;
            *all = samples;
            self.bytes.to_mut().truncate(bytes);
        }
    }

    /// The samples of these numbers along the first dimension.
    ///
    /// # Panics
    /// If there is no such sample.
    #[must_use]
    pub fn pick(&self, samples: &[usize]) -> Array {
        let size = self.shape[1..].iter().product::<usize>() * self.stored.size();
        let mut shape = self.shape.clone();
        shape[0] = samples.len();
        let bytes = samples.iter().flat_map(|at| &self.bytes[at * size..(at + 1) * size]).copied();
        Array { shape, stored: self.stored, bytes: bytes.collect::<Vec<u8>>().into() }
    }

    /// The same numbers in another type, in the byte order of this machine.
    #[must_use]
    pub fn converted(&self, dtype: DType) -> Array {
        Array { shape: self.shape.clone(), stored: dtype.into(), bytes: self.bytes_as(dtype).into() }
    }

    /// The same numbers in another type of files, converted as `as` converts, halves to the nearest.
    #[must_use]
    pub fn stored_as(&self, stored: Stored) -> Array {
        Array { shape: self.shape.clone(), stored, bytes: encode(&self.to_f64(), stored).into() }
    }

    /// The numbers of a view on a device.
    pub fn download(device: &keras_kernels::Device, view: View) -> Array {
        let mut array = Array::zeros(view.shape().to_vec(), view.dtype());
        array.download_at(0, device, view);
        array
    }

    /// Puts the numbers of a view on a device in place of those from sample `first` on. The view has the array's type, and shape but
    /// for the number of samples.
    pub(crate) fn download_at(&mut self, first: usize, device: &keras_kernels::Device, view: View) {
        let (size, bytes) = (view.dtype().size(), view.size() * view.dtype().size());
        let start = first * (bytes / view.shape().dims().next().unwrap_or(1).max(1));
        let to = &mut self.bytes.to_mut()[start..start + bytes];
        device.download(view, to);
        if cfg!(target_endian = "big") {
            to.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
    }

    /// Writes the numbers to a view on a device, converted to its type.
    ///
    /// # Errors
    /// If the numbers of elements differ.
    pub fn upload(&self, device: &keras_kernels::Device, view: View) -> Result<()> {
        if self.len() != view.size() {
            let (found, expected) = (&self.shape, view.shape());
            return Err(Error::Data(format!("an array of shape {found:?} where {expected} is expected")));
        }
        if self.is_exactly(view.dtype()) {
            device.upload(&self.bytes, view);
        } else {
            device.upload(&self.bytes_as(view.dtype()), view);
        }
        Ok(())
    }
}

fn decode(bytes: &[u8], stored: Stored) -> Vec<f64> {
    macro_rules! numbers {
        ($t:ty) => {{
            let (chunks, _) = bytes.as_chunks::<{ std::mem::size_of::<$t>() }>();
            chunks.iter().map(|b| <$t>::from_le_bytes(*b) as f64).collect()
        }};
    }
    let halves = |widen: fn(u16) -> f32| {
        let (chunks, _) = bytes.as_chunks::<2>();
        chunks.iter().map(|b| f64::from(widen(u16::from_le_bytes(*b)))).collect()
    };
    match stored {
        Stored::F16 => halves(half_to_f32),
        Stored::BF16 => halves(|bits| f32::from_bits(u32::from(bits) << 16)),
        Stored::F32 => numbers!(f32),
        Stored::F64 => numbers!(f64),
        Stored::I8 => numbers!(i8),
        Stored::I16 => numbers!(i16),
        Stored::I32 => numbers!(i32),
        Stored::I64 => numbers!(i64),
        Stored::U8 => numbers!(u8),
        Stored::U16 => numbers!(u16),
        Stored::U32 => numbers!(u32),
        Stored::U64 => numbers!(u64),
        Stored::Bool => bytes.iter().map(|b| if *b == 0 { 0.0 } else { 1.0 }).collect(),
    }
}

fn encode(values: &[f64], stored: Stored) -> Vec<u8> {
    macro_rules! bytes {
        ($t:ty) => {
            values.iter().flat_map(|v| (*v as $t).to_le_bytes()).collect()
        };
    }
    match stored {
        Stored::F16 => values.iter().flat_map(|v| half_from_f32(*v as f32).to_le_bytes()).collect(),
        Stored::BF16 => values.iter().flat_map(|v| brain_from_f32(*v as f32).to_le_bytes()).collect(),
        Stored::F32 => bytes!(f32),
        Stored::F64 => bytes!(f64),
        Stored::I8 => bytes!(i8),
        Stored::I16 => bytes!(i16),
        Stored::I32 => bytes!(i32),
        Stored::I64 => bytes!(i64),
        Stored::U8 => bytes!(u8),
        Stored::U16 => bytes!(u16),
        Stored::U32 => bytes!(u32),
        Stored::U64 => bytes!(u64),
        Stored::Bool => values.iter().map(|v| u8::from(*v != 0.0)).collect(),
    }
}

/// IEEE 754 binary16, widened.
fn half_to_f32(bits: u16) -> f32 {
    let (sign, exponent, fraction) = (bits >> 15, (bits >> 10) & 31, bits & 1023);
    let magnitude = match exponent {
        // Subnormal: multiples of 2^-24.
        0 => f32::from(fraction) * 2f32.powi(-24),
        31 if fraction == 0 => f32::INFINITY,
        31 => f32::NAN,
        _ => f32::from_bits((u32::from(exponent) + 112) << 23 | u32::from(fraction) << 13),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

/// To IEEE 754 binary16, rounded to nearest, ties to even.
fn half_from_f32(value: f32) -> u16 {
    let sign = ((value.to_bits() >> 16) & 0x8000) as u16;
    let magnitude = value.abs();
    if value.is_nan() {
        return 0x7e00;
    }
    // 65520 is halfway between the largest number and what would follow it.
    if magnitude >= 65520.0 {
        return sign | 0x7c00;
    }
    // The spacing of halves around the value; dividing by a power of two is exact.
    let exponent = ((magnitude.to_bits() >> 23) as i32 - 127).max(-14);
    let units = (magnitude / 2f32.powi(exponent - 10)).round_ties_even() as u16;
    // A carry out of the fraction moves into the exponent, as it should.
    sign | (((exponent + 14) as u16) << 10).wrapping_add(units)
}

/// To bfloat16, rounded to nearest, ties to even.
fn brain_from_f32(value: f32) -> u16 {
    if value.is_nan() {
        return 0x7fc0;
    }
    let bits = value.to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_survives() {
        for bits in 0..=u16::MAX {
            let value = half_to_f32(bits);
            if value.is_nan() {
                assert!(half_to_f32(half_from_f32(value)).is_nan());
            } else {
                assert_eq!(half_from_f32(value), bits, "{value}");
            }
        }
    }

    #[test]
    fn halves_round_to_nearest_even() {
        // From the definition of binary16: 1 + 2^-11 lies halfway between 1 and 1 + 2^-10.
        assert_eq!(half_from_f32(1.0 + 2f32.powi(-11)), 0x3c00);
        assert_eq!(half_from_f32(1.0 + 3.0 * 2f32.powi(-11)), 0x3c02);
        assert_eq!(half_from_f32(2047.9), 0x6800);
        assert_eq!(half_from_f32(65519.0), 0x7bff);
        assert_eq!(half_from_f32(65520.0), 0x7c00);
        assert_eq!(half_from_f32(2f32.powi(-25)), 0);
    }

    #[test]
    fn brains_round_to_nearest_even() {
        assert_eq!(brain_from_f32(1.0), 0x3f80);
        assert_eq!(brain_from_f32(1.0 + 2f32.powi(-8)), 0x3f80);
        assert_eq!(brain_from_f32(1.0 + 3.0 * 2f32.powi(-8)), 0x3f82);
        assert_eq!(brain_from_f32(f32::MAX), 0x7f80);
    }

    #[test]
    fn shapes_and_bytes_must_agree() {
        assert!(Array::new(vec![2, 3], Stored::F32, vec![0u8; 24]).is_ok());
        assert!(Array::new(vec![2, 3], Stored::F32, vec![0u8; 23]).is_err());
        assert!(Array::new(vec![usize::MAX, 3], Stored::F32, vec![0u8; 24]).is_err());
    }
}
