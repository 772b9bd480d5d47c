//! Typed access to the layers inside a wrapper: `model.bidirectional().forward_layer().kernel()`.

/// Writes the type through which a wrapper's inner layers are read and changed. A part's name is where Keras keeps its weights.
macro_rules! wrapper {
    ($wrapper:ident, $access:ident { $($(#[$doc:meta])* $part:ident $part_mut:ident),* $(,)? }) => {
        #[doc = concat!("What is inside a `", stringify!($wrapper), "` of a model.")]
        #[doc(hidden)]
        pub struct $access<N, L>(crate::rt::Place<N>, std::marker::PhantomData<fn() -> L>);

        impl<N: crate::rt::Reads, L: crate::rt::Weighted> $access<N, L> {
            $($(#[$doc])*
            pub fn $part(&self) -> L::Weights<&crate::rt::Network> {
                self.0.part::<L>(stringify!($part))
            })*
            $($(#[$doc])*
            pub fn $part_mut(&mut self) -> L::Weights<&mut crate::rt::Network>
            where
                N: crate::rt::Writes,
            {
                self.0.part_mut::<L>(stringify!($part))
            })*
        }

        impl<N, L> crate::rt::Access<N> for $access<N, L> {
            fn at(place: crate::rt::Place<N>) -> Self {
                $access(place, std::marker::PhantomData)
            }
            fn place(&self) -> &crate::rt::Place<N> {
                &self.0
            }
            fn place_mut(&mut self) -> &mut crate::rt::Place<N> {
                &mut self.0
            }
        }

        impl<L: crate::rt::Weighted> crate::rt::Weighted for $wrapper<L> {
            type Weights<N> = $access<N, L>;
        }
    };
}
pub(super) use wrapper;
