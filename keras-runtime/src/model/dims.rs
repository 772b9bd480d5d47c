//! Static shapes: the type of a batch says what its samples are.

use keras_kernels::Shape;

mod sealed {
    pub trait Sealed {}
}

/// A shape as a type: [`D0`] to [`D6`].
pub trait Dims: sealed::Sealed + Copy + Default + Send + Sync + 'static {
    /// The shape of one sample.
    const SHAPE: Shape;
    /// Number of dimensions.
    const RANK: usize;
}

macro_rules! dims {
    ($($(#[$doc:meta])* $name:ident<$($d:ident),*> = $rank:literal),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name<$(const $d: usize),*>;
        impl<$(const $d: usize),*> sealed::Sealed for $name<$($d),*> {}
        impl<$(const $d: usize),*> Dims for $name<$($d),*> {
            const SHAPE: Shape = Shape::of(&[$($d),*]);
            const RANK: usize = $rank;
        }
    )* };
}
dims! {
    /// One number a sample.
    D0<> = 0,
    /// A vector a sample.
    D1<A> = 1,
    /// A matrix, or a sequence of vectors, a sample.
    D2<A, B> = 2,
    /// An image, `[height, width, channels]`, a sample.
    D3<A, B, C> = 3,
    /// Four dimensions a sample.
    D4<A, B, C, D> = 4,
    /// Five dimensions a sample.
    D5<A, B, C, D, E> = 5,
    /// Six dimensions a sample.
    D6<A, B, C, D, E, F> = 6,
}

/// Picks the type of a shape that const evaluation found: `<Sel<A, B, C, D, E, F> as Rank<Tag<3>>>::Dims` is
/// `D3<A, B, C>`.
#[doc(hidden)]
pub struct Sel<const A: usize, const B: usize, const C: usize, const D: usize, const E: usize, const F: usize>;

/// See [`Sel`].
#[doc(hidden)]
pub struct Tag<const R: usize>;

/// See [`Sel`].
#[doc(hidden)]
pub trait Rank<R> {
    /// The shape as a type.
    type Dims: Dims;
}

macro_rules! select {
    ($($rank:literal => $name:ident<$($d:ident),*>),*) => { $(
        impl<const A: usize, const B: usize, const C: usize, const D: usize, const E: usize, const F: usize>
            Rank<Tag<$rank>> for Sel<A, B, C, D, E, F>
        {
            type Dims = $name<$($d),*>;
        }
    )* };
}
select! {
    0 => D0<>, 1 => D1<A>, 2 => D2<A, B>, 3 => D3<A, B, C>, 4 => D4<A, B, C, D>, 5 => D5<A, B, C, D, E>,
    6 => D6<A, B, C, D, E, F>
}

/// A shape without its last dimension: what the labels of a sparse crossentropy look like.
pub trait Outer: Dims {
    /// The shape without its last dimension.
    type Outer: Dims;
}
macro_rules! outer {
    ($($name:ident<$($d:ident),*> => $outer:ident<$($o:ident),*>),*) => { $(
        impl<$(const $d: usize),*> Outer for $name<$($d),*> {
            type Outer = $outer<$($o),*>;
        }
    )* };
}
outer! {
    D1<A> => D0<>, D2<A, B> => D1<A>, D3<A, B, C> => D2<A, B>, D4<A, B, C, D> => D3<A, B, C>,
    D5<A, B, C, D, E> => D4<A, B, C, D>, D6<A, B, C, D, E, F> => D5<A, B, C, D, E>
}
