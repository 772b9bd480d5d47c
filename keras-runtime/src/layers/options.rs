//! Types of options that several layers share.

use keras_kernels::Shape;
use serde_json::{Value, json};

use crate::config::ConfigValue;
use crate::plan::{Ints, Message, Spec};

/// What happens at the border of a convolution or a pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Padding {
    /// Windows lie inside the input: the output is smaller.
    Valid,
    /// With zeros on both sides (the odd one at the end), so that `output = ceil(input / strides)`.
    Same,
    /// With zeros in front alone, so that no output depends on later inputs (one dimension).
    Causal,
}

/// Where the channels of an image are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFormat {
    /// `[height, width, channels]`.
    ChannelsLast,
    /// `[channels, height, width]`. Convolutions and poolings transpose such an input on the way in and out.
    ChannelsFirst,
}

/// How an image is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpolation {
    /// Pixels are repeated.
    Nearest,
    /// Linear between the two nearest pixels of each dimension.
    Bilinear,
    /// Keys' cubic of four pixels (`a = -0.5`).
    Bicubic,
    /// Lanczos' kernel of radius 3.
    Lanczos3,
    /// Lanczos' kernel of radius 5.
    Lanczos5,
}

/// An option that is one of a few words.
macro_rules! words {
    ($($ty:ident, $expected:literal { $($variant:ident = $name:literal),* $(,)? })*) => { $(
        impl $ty {
            /// Its name in Keras.
            pub const fn name(self) -> &'static str {
                match self { $($ty::$variant => $name),* }
            }
        }

        impl ConfigValue for $ty {
            fn to_json(&self) -> Value {
                json!(self.name())
            }
            fn from_json(json: &Value) -> Result<Self, String> {
                match json.as_str() {
                    $(Some($name) => Ok($ty::$variant),)*
                    _ => Err($expected.into()),
                }
            }
        }
    )* };
}
words! {
    Padding, "valid, same or causal" { Valid = "valid", Same = "same", Causal = "causal" }
    Interpolation, "nearest, bilinear, bicubic, lanczos3 or lanczos5" {
        Nearest = "nearest",
        Bilinear = "bilinear",
        Bicubic = "bicubic",
        Lanczos3 = "lanczos3",
        Lanczos5 = "lanczos5",
    }
}

impl ConfigValue for DataFormat {
    fn to_json(&self) -> Value {
        json!(if self.is_first() { "channels_first" } else { "channels_last" })
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        match json.as_str() {
            Some("channels_first") => Ok(DataFormat::ChannelsFirst),
            Some("channels_last") => Ok(DataFormat::ChannelsLast),
            None if json.is_null() => Ok(DataFormat::ChannelsLast),
            _ => Err("channels_last or channels_first".into()),
        }
    }
}

impl DataFormat {
    /// Whether channels come first.
    pub const fn is_first(self) -> bool {
        matches!(self, DataFormat::ChannelsFirst)
    }

    /// First of the spatial dimensions of a sample.
    pub const fn spatial(self) -> usize {
        self.is_first() as usize
    }

    /// The dimension of a sample of this rank that holds its channels.
    pub const fn channels(self, rank: usize) -> usize {
        if self.is_first() { 0 } else { rank - 1 }
    }

    /// A sample of this format with channels last.
    pub const fn to_last(self, sample: Shape) -> Shape {
        if self.is_first() { sample.remove(0).insert(sample.rank() - 1, sample.dim(0)) } else { sample }
    }

    /// A sample with channels last, in this format.
    pub const fn from_last(self, sample: Shape) -> Shape {
        let rank = sample.rank();
        if self.is_first() { sample.remove(rank - 1).insert(0, sample.last()) } else { sample }
    }
}

/// What an option of type [`Borders`] accepts: a number, an array of `N` numbers, or of `N` pairs.
///
/// # Safety
/// [`IntoBorders::KIND`] must be 0 for `usize` alone, 1 for `[usize; N]` alone, 2 for what lies in memory as `[[usize; 2]; N]`:
/// [`Borders::of`] reads the value's bytes by it, because a trait method cannot be called in const evaluation.
#[diagnostic::on_unimplemented(
    message = "expected a number, {N} numbers, or {N} pairs, such as `1` or `((1, 0), (2, 2))`",
    label = "not borders of {N} dimensions"
)]
pub unsafe trait IntoBorders<const N: usize>: Copy {
    /// Which of the three it is.
    const KIND: u8;
}
// SAFETY: `usize`.
unsafe impl<const N: usize> IntoBorders<N> for usize {
    const KIND: u8 = 0;
}
// SAFETY: `[usize; N]`.
unsafe impl<const N: usize> IntoBorders<N> for [usize; N] {
    const KIND: u8 = 1;
}
// SAFETY: `[[usize; 2]; N]`.
unsafe impl<const N: usize> IntoBorders<N> for [[usize; 2]; N] {
    const KIND: u8 = 2;
}

// SAFETY: a pair, which is `[[usize; 2]; 1]` byte for byte.
unsafe impl IntoBorders<1> for [usize; 2] {
    const KIND: u8 = 2;
}

/// How much is added to, or taken from, both sides of each of `N` dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Borders<const N: usize>(pub [[usize; 2]; N]);

impl<const N: usize> Borders<N> {
    /// From a number for all sides, a number for each dimension, or a pair for each dimension.
    pub const fn of<T: IntoBorders<N>>(value: T) -> Borders<N> {
        union Bytes<T: Copy, const N: usize> {
            value: T,
            number: usize,
            numbers: [usize; N],
            pairs: [[usize; 2]; N],
        }
        let bytes = Bytes::<T, N> { value };
        if T::KIND == 2 {
            // SAFETY: `T` lies in memory as `[[usize; 2]; N]`, by the contract of `IntoBorders`.
            return Borders(unsafe { bytes.pairs });
        }
        let numbers = if T::KIND == 1 {
            // SAFETY: `T` is `[usize; N]`, by the contract of `IntoBorders`.
            unsafe { bytes.numbers }
        } else {
            // SAFETY: `T` is `usize`, by the contract of `IntoBorders`.
            [unsafe { bytes.number }; N]
        };
        let mut pairs = [[0; 2]; N];
        let mut i = 0;
        while i < N {
            pairs[i] = [numbers[i]; 2];
            i += 1;
        }
        Borders(pairs)
    }
}

impl<const N: usize> ConfigValue for Borders<N> {
    fn to_json(&self) -> Value {
        if N == 1 { json!(self.0[0]) } else { json!(self.0.to_vec()) }
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let number = crate::config::size;
        let pair = |json: &Value| match json.as_array().map(Vec::as_slice) {
            Some([a, b]) => Some([number(a)?, number(b)?]),
            _ => number(json).map(|n| [n; 2]),
        };
        let pairs = match json.as_array() {
            None => number(json).map(|n| vec![[n; 2]; N]),
            // One dimension: its pair may stand alone.
            Some(list) if N == 1 && list.len() == 2 => pair(json).map(|pair| vec![pair]),
            Some(list) => list.iter().map(pair).collect(),
        };
        let pairs = pairs.and_then(|pairs| pairs.try_into().ok());
        pairs.map(Borders).ok_or_else(|| format!("a number, {N} numbers, or {N} pairs"))
    }
}

/// What an option of type [`Axes`] accepts: a number, or an array of numbers.
///
/// # Safety
/// A value's bytes are [`IntoAxes::LEN`] numbers of type `isize`: [`Axes::of`] reads them by it, because a trait method
/// cannot be called in const evaluation.
#[diagnostic::on_unimplemented(
    message = "expected an axis or an array of axes, such as `-1` or `(1, 2)`",
    label = "not axes"
)]
pub unsafe trait IntoAxes: Copy {
    /// How many.
    const LEN: usize;
}
// SAFETY: one number.
unsafe impl IntoAxes for isize {
    const LEN: usize = 1;
}
// SAFETY: `N` numbers, one after the other.
unsafe impl<const N: usize> IntoAxes for [isize; N] {
    const LEN: usize = N;
}

/// One axis or several, numbered as Keras does. One is saved as a number, several as a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axes(Ints);

impl Axes {
    /// From a number or an array.
    ///
    /// # Panics
    /// With more than 8 numbers.
    #[track_caller]
    pub const fn of<T: IntoAxes>(value: T) -> Axes {
        assert!(T::LEN <= 8, "at most 8 axes");
        // SAFETY: the value is `LEN` numbers, by the contract of `IntoAxes`, and lives to the end of this function.
        let axes = unsafe { std::slice::from_raw_parts((&raw const value).cast::<isize>(), T::LEN) };
        Axes(Ints::from_slice(axes))
    }

    /// How many.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The axis at `i`.
    pub const fn get(&self, i: usize) -> isize {
        self.0.get(i)
    }
}

impl ConfigValue for Axes {
    fn to_json(&self) -> Value {
        if self.len() == 1 { json!(self.get(0)) } else { self.0.to_json() }
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        Ints::from_json(json).map(Axes).map_err(|_| "an axis or a list of axes".into())
    }
}

/// A shape of which not all is given: -1, which Keras writes `null`, takes the input's dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartialShape(Ints);

impl PartialShape {
    /// From an array.
    ///
    /// # Panics
    /// With more than 8 numbers.
    #[track_caller]
    pub const fn of<const N: usize>(dims: [isize; N]) -> PartialShape {
        PartialShape(Ints::of(dims))
    }

    /// How many dimensions.
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The dimension at `i`; `None` where it is the input's.
    pub const fn get(&self, i: usize) -> Option<usize> {
        let n = self.0.get(i);
        if n < 0 { None } else { Some(n as usize) }
    }
}

impl ConfigValue for PartialShape {
    fn to_json(&self) -> Value {
        (0..self.len()).map(|i| self.get(i)).collect()
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let number = |json: &Value| {
            if json.is_null() { Some(-1) } else { crate::config::size(json).map(|n| n as isize) }
        };
        let dims: Option<Vec<isize>> = match json.as_array() {
            Some(list) => list.iter().map(number).collect(),
            None => crate::config::size(json).map(|n| vec![n as isize]),
        };
        let dims = dims.filter(|dims| dims.len() <= 8).map(|dims| PartialShape(Ints::from_slice(&dims)));
        dims.ok_or_else(|| "a list of at most 8 numbers or nulls".into())
    }
}

/// The rank that a layer with `dims` spatial dimensions expects, in words.
pub(crate) const fn image(dims: usize, format: DataFormat) -> &'static str {
    match (dims, format) {
        (1, DataFormat::ChannelsLast) => "[steps, channels]",
        (2, DataFormat::ChannelsLast) => "[height, width, channels]",
        (_, DataFormat::ChannelsLast) => "[depth, height, width, channels]",
        (1, DataFormat::ChannelsFirst) => "[channels, steps]",
        (2, DataFormat::ChannelsFirst) => "[channels, height, width]",
        (_, DataFormat::ChannelsFirst) => "[channels, depth, height, width]",
    }
}

/// Refuses an input that has not `dims` spatial dimensions and channels.
pub(crate) const fn check_image(x: &Spec, dims: usize, format: DataFormat) -> Result<(), Message> {
    if x.rank() == dims + 1 {
        return Ok(());
    }
    let message = Message::new("expects an input `").text(image(dims, format)).text("`, found ").spec(x);
    Err(if x.rank() == dims {
        message.text("; for one channel, put a `Reshape` in front that adds a dimension of 1")
    } else {
        message
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_of_a_number_numbers_and_pairs() {
        const ONE: Borders<2> = Borders::of(1);
        const EACH: Borders<2> = Borders::of([1, 2]);
        const PAIRS: Borders<2> = Borders::of([[1, 2], [3, 4]]);
        assert_eq!(ONE.0, [[1, 1], [1, 1]]);
        assert_eq!(EACH.0, [[1, 1], [2, 2]]);
        assert_eq!(PAIRS.0, [[1, 2], [3, 4]]);
    }

    #[test]
    fn borders_and_axes_survive_their_json() {
        let read = |json: Value| Borders::<2>::from_json(&json).map(|b| b.0);
        assert_eq!(read(json!(3)), Ok([[3, 3], [3, 3]]));
        assert_eq!(read(json!([1, 2])), Ok([[1, 1], [2, 2]]));
        assert_eq!(read(json!([[1, 2], [3, 4]])), Ok([[1, 2], [3, 4]]));
        assert_eq!(read(json!([1, 2, 3])), Err("a number, 2 numbers, or 2 pairs".into()));
        assert_eq!(Borders::<1>::from_json(&json!([1, 2])), Ok(Borders([[1, 2]])));
        const ONE: Axes = Axes::of(-1);
        const TWO: Axes = Axes::of([1, 2]);
        assert_eq!((ONE.to_json(), TWO.to_json()), (json!(-1), json!([1, 2])));
        assert_eq!(Axes::from_json(&json!([1, 2])), Ok(TWO));
        const OPEN: PartialShape = PartialShape::of([-1, 3]);
        assert_eq!(OPEN.to_json(), json!([null, 3]));
        assert_eq!(PartialShape::from_json(&json!([null, 3])), Ok(OPEN));
        assert_eq!(PartialShape::from_json(&json!(3)), Ok(PartialShape::of([3])));
    }

    #[test]
    fn formats_are_each_others_inverse() {
        let sample = Shape::of(&[3, 4, 5]);
        assert_eq!(DataFormat::ChannelsFirst.to_last(sample), Shape::of(&[4, 5, 3]));
        assert_eq!(DataFormat::ChannelsFirst.from_last(Shape::of(&[4, 5, 3])), sample);
        assert_eq!(DataFormat::ChannelsLast.to_last(sample), sample);
    }
}
