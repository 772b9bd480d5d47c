//! What an operation is given, in a form that const evaluation and files share: options, and the arguments of its call.

use keras_kernels::{DType, Shape};

use crate::layers::options::{Axes, IntoAxes};
use crate::plan::{Ints, Message, Text};
use crate::plan_try;

/// Most parts of an index: 8 axes that go, 8 that are new.
pub(super) const MOST_PARTS: usize = 16;

/// The value of an option.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "const evaluation has no boxes")]
pub enum Setting {
    /// True or false.
    Flag(bool),
    /// A whole number.
    Int(isize),
    /// A number.
    Float(f64),
    /// Several whole numbers.
    Ints(Ints),
    /// A pair of widths for each axis.
    Pairs(Pairs),
    /// A word, or an equation.
    Text(Text),
    /// Something that no option takes.
    Unknown,
}

impl Setting {
    /// One axis or several.
    #[track_caller]
    pub const fn axes<T: IntoAxes>(axes: T) -> Setting {
        let all = Axes::of(axes);
        if all.len() == 1 {
            return Setting::Int(all.get(0));
        }
        let mut items = [0; 8];
        let mut i = 0;
        while i < all.len() {
            items[i] = all.get(i);
            i += 1;
        }
        Setting::Ints(Ints::from_slice(items.split_at(all.len()).0))
    }

    /// Several whole numbers.
    #[track_caller]
    pub const fn ints<const N: usize>(items: [isize; N]) -> Setting {
        Setting::Ints(Ints::of(items))
    }

    /// Pairs of widths.
    ///
    /// # Panics
    /// With more than 8 of them.
    #[track_caller]
    pub const fn pairs<const N: usize>(pairs: [[usize; 2]; N]) -> Setting {
        match Pairs::try_of(&pairs) {
            Some(pairs) => Setting::Pairs(pairs),
            None => panic!("at most 8 pairs"),
        }
    }

    /// A word or an equation.
    #[track_caller]
    pub const fn text(text: &str) -> Setting {
        Setting::Text(Text::of(text))
    }
}

/// Two widths for each of up to 8 axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pairs {
    items: [[usize; 2]; 8],
    len: usize,
}

impl Pairs {
    /// From a slice of at most 8.
    pub const fn try_of(pairs: &[[usize; 2]]) -> Option<Pairs> {
        let mut items = [[0; 2]; 8];
        let mut i = 0;
        while i < pairs.len() {
            if i == items.len() {
                return None;
            }
            items[i] = pairs[i];
            i += 1;
        }
        Some(Pairs { items, len: pairs.len() })
    }

    /// The pairs.
    pub const fn as_slice(&self) -> &[[usize; 2]] {
        self.items.split_at(self.len).0
    }
}

/// One part of the index in `x[..]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Index {
    /// One element: the axis goes.
    At(isize),
    /// `start:stop:step`, as in Python.
    Range {
        /// First element.
        start: Option<isize>,
        /// First element that is not there.
        stop: Option<isize>,
        /// Every so many elements; negative ones go backwards.
        step: isize,
    },
    /// `None`: a new axis of 1.
    New,
    /// `...`: the axes that no other part names.
    Rest,
}

/// An index: its parts in order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    parts: [Index; MOST_PARTS],
    len: usize,
}

impl Key {
    /// From a slice of at most 16.
    pub const fn try_of(parts: &[Index]) -> Option<Key> {
        let mut key = Key { parts: [Index::New; MOST_PARTS], len: parts.len() };
        let mut i = 0;
        while i < parts.len() {
            if i == MOST_PARTS {
                return None;
            }
            key.parts[i] = parts[i];
            i += 1;
        }
        Some(key)
    }

    /// The parts.
    pub const fn as_slice(&self) -> &[Index] {
        self.parts.split_at(self.len).0
    }
}

/// One argument of an operation's call.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "const evaluation has no boxes")]
pub enum Argument {
    /// An input of the call.
    Tensor(usize),
    /// All inputs, as a list.
    Tensors,
    /// A number; whole numbers do not make floats of integers.
    Number {
        /// The number.
        value: f64,
        /// Whether it is written as a whole number.
        whole: bool,
    },
    /// An array.
    Constant {
        /// Its shape.
        shape: Shape,
        /// Its element type.
        dtype: DType,
        /// Its numbers, if they stand in source; those of a file are kept beside the operation.
        values: &'static [f64],
    },
    /// An index.
    Key(Key),
    /// One place along an axis, or several.
    Places {
        /// The places.
        at: Ints,
        /// Whether they stand in a list.
        list: bool,
    },
    /// There is none.
    Absent,
    /// Something that no operation takes.
    Unknown,
}

impl Argument {
    /// A number of any type.
    pub const fn number<T: IntoNumber>(number: T) -> Argument {
        union Bytes<T: Copy> {
            value: T,
            float: f64,
            single: f32,
            int: i32,
            long: i64,
            size: usize,
            offset: isize,
        }
        let bytes = Bytes::<T> { value: number };
        // SAFETY: the value is of the type that its `KIND` says, by the contract of `IntoNumber`.
        unsafe {
            match T::KIND {
                0 => Argument::Number { value: bytes.float, whole: false },
                1 => Argument::Number { value: bytes.single as f64, whole: false },
                2 => Argument::Number { value: bytes.int as f64, whole: true },
                3 => Argument::Number { value: bytes.long as f64, whole: true },
                4 => Argument::Number { value: bytes.size as f64, whole: true },
                _ => Argument::Number { value: bytes.offset as f64, whole: true },
            }
        }
    }

    /// An array of floats, of up to 8 dimensions.
    pub const fn array<T: IntoArray>(array: &'static T) -> Argument {
        // SAFETY: the array is `SHAPE.size()` floats, one after the other, by the contract of `IntoArray`.
        let values =
            unsafe { std::slice::from_raw_parts((&raw const *array).cast::<f64>(), T::SHAPE.size()) };
        Argument::Constant { shape: T::SHAPE, dtype: DType::F32, values }
    }

    /// One place along an axis, or several.
    #[track_caller]
    pub const fn places<T: IntoAxes>(places: T) -> Argument {
        let at = match Setting::axes(places) {
            Setting::Int(at) => Ints::of([at]),
            Setting::Ints(at) => at,
            _ => Ints::from_slice(&[]),
        };
        Argument::Places { at, list: size_of::<T>() != size_of::<isize>() }
    }

    /// An index.
    ///
    /// # Panics
    /// With more than 16 parts.
    #[track_caller]
    pub const fn key(parts: &[Index]) -> Argument {
        match Key::try_of(parts) {
            Some(key) => Argument::Key(key),
            None => panic!("an index has at most 16 parts"),
        }
    }
}

/// What stands for a number beside a value: `x * 2`, `x + WIDTH`.
///
/// # Safety
/// [`IntoNumber::KIND`] must be 0 for `f64` alone, 1 for `f32`, 2 for `i32`, 3 for `i64`, 4 for `usize`, 5 for `isize`:
/// [`Argument::number`] reads the value's bytes by it, because a trait method cannot be called in const evaluation.
#[diagnostic::on_unimplemented(message = "expected a number or an array of floats", label = "not a number")]
pub unsafe trait IntoNumber: Copy {
    /// Which of the types it is.
    const KIND: u8;
}
macro_rules! numbers {
    ($($ty:ty = $kind:literal),*) => { $(
        // SAFETY: the number of this type.
        unsafe impl IntoNumber for $ty {
            const KIND: u8 = $kind;
        }
    )* };
}
numbers!(f64 = 0, f32 = 1, i32 = 2, i64 = 3, usize = 4, isize = 5);

/// What stands for an array beside a value: `x * [1.0, 2.0]`.
///
/// # Safety
/// The type must lie in memory as [`IntoArray::SHAPE`]`.size()` numbers of type `f64`: [`Argument::array`] reads them so.
#[diagnostic::on_unimplemented(
    message = "expected an array of floats of equal rows, such as `[[1.0, 2.0], [3.0, 4.0]]`",
    label = "not an array of floats"
)]
pub unsafe trait IntoArray: Copy {
    /// Its shape.
    const SHAPE: Shape;
}
// SAFETY: one float.
unsafe impl IntoArray for f64 {
    const SHAPE: Shape = Shape::SCALAR;
}
// SAFETY: an array lies in memory as its items do, one after the other.
unsafe impl<T: IntoArray, const N: usize> IntoArray for [T; N] {
    const SHAPE: Shape = T::SHAPE.insert(0, N);
}

/// `==` of texts in const contexts.
pub(super) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// All that says which operation a call is.
#[derive(Clone, Copy)]
pub(super) struct Options<'a> {
    /// Class of the operation in Keras.
    pub class: &'a str,
    /// Its options by name.
    pub settings: &'a [(&'a str, Setting)],
    /// The call's arguments, in the order of their names.
    pub arguments: &'a [Argument],
}

impl Options<'_> {
    /// Says that an option or argument is not what it must be.
    pub const fn wrong(&self, key: &str, expected: &str) -> Message {
        Message::new("`").text(key).text("`: expected ").text(expected)
    }

    pub const fn find(&self, key: &str) -> Option<Setting> {
        let mut i = 0;
        while i < self.settings.len() {
            if same(self.settings[i].0, key) {
                return Some(self.settings[i].1);
            }
            i += 1;
        }
        None
    }

    pub const fn argument(&self, at: usize) -> Argument {
        if at < self.arguments.len() { self.arguments[at] } else { Argument::Absent }
    }

    /// The argument that must be a tensor.
    pub const fn tensor(&self, at: usize, name: &str) -> Result<(), Message> {
        match self.argument(at) {
            Argument::Tensor(_) => Ok(()),
            _ => Err(self.wrong(name, "a tensor")),
        }
    }

    /// The argument that must be a list of tensors.
    pub const fn tensors(&self, name: &str) -> Result<(), Message> {
        match self.argument(0) {
            Argument::Tensors => Ok(()),
            _ => Err(self.wrong(name, "a list of tensors")),
        }
    }

    pub const fn flag(&self, key: &str, default: bool) -> Result<bool, Message> {
        match self.find(key) {
            None => Ok(default),
            Some(Setting::Flag(flag)) => Ok(flag),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    pub const fn float(&self, key: &str, default: f64) -> Result<f64, Message> {
        match self.find(key) {
            None => Ok(default),
            Some(Setting::Float(n)) => Ok(n),
            Some(Setting::Int(n)) => Ok(n as f64),
            Some(_) => Err(self.wrong(key, "a number")),
        }
    }

    pub const fn int(&self, key: &str, default: isize) -> Result<isize, Message> {
        match self.find(key) {
            None => Ok(default),
            Some(Setting::Int(n)) => Ok(n),
            Some(_) => Err(self.wrong(key, "a whole number")),
        }
    }

    /// A number of at least 1.
    pub const fn count(&self, key: &str) -> Result<usize, Message> {
        match self.find(key) {
            Some(Setting::Int(n)) if n > 0 && n <= u32::MAX as isize => Ok(n as usize),
            _ => Err(self.wrong(key, "a number of at least 1")),
        }
    }

    /// An axis that must be given; `otherwise` says what happens without one.
    pub const fn axis(&self, key: &str, otherwise: &str) -> Result<isize, Message> {
        match self.find(key) {
            Some(Setting::Int(n)) => Ok(n),
            _ => Err(self.wrong(key, "an axis of the samples").text(otherwise)),
        }
    }

    /// One number or several of them; `None` where there is none.
    pub const fn ints(&self, key: &str) -> Result<Option<Ints>, Message> {
        match self.find(key) {
            None => Ok(None),
            Some(Setting::Int(n)) => Ok(Some(Ints::of([n]))),
            Some(Setting::Ints(ints)) => Ok(Some(ints)),
            Some(_) => Err(self.wrong(key, "a whole number, or a list of at most 8 of them")),
        }
    }

    /// One axis or several, which must be given.
    pub const fn axes(&self, key: &str) -> Result<Ints, Message> {
        match plan_try!(self.ints(key)) {
            Some(ints) => Ok(ints),
            None => Err(self.wrong(key, "axes of the samples")),
        }
    }

    pub const fn dtype(&self, key: &str) -> Result<Option<DType>, Message> {
        let text = match self.find(key) {
            None => return Ok(None),
            Some(Setting::Text(text)) => text,
            Some(_) => Text::of(""),
        };
        match text.as_str().as_bytes() {
            b"float32" => Ok(Some(DType::F32)),
            b"int32" => Ok(Some(DType::I32)),
            b"int64" => Ok(Some(DType::I64)),
            b"uint8" => Ok(Some(DType::U8)),
            b"bool" => Ok(Some(DType::Bool)),
            _ => Err(self.wrong(key, "float32, int32, int64, uint8 or bool")),
        }
    }

    /// Refuses options that are not supported.
    pub const fn refuse(&self, keys: &[&str]) -> Result<(), Message> {
        let mut i = 0;
        while i < keys.len() {
            if self.find(keys[i]).is_some() {
                return Err(self.wrong(keys[i], "none: it is not supported"));
            }
            i += 1;
        }
        Ok(())
    }
}
