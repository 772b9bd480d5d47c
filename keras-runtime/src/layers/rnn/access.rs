//! Typed access to the layers inside a wrapper: `model.bidirectional().forward_layer().kernel()`.

/// Writes the type through which a wrapper's inner layers are read and changed. A part's name is where Keras keeps its weights.
macro_rules! wrapper {
    (
        $wrapper:ident<$($inner:ident),*>,
        $access:ident { $($(#[$doc:meta])* $part:ident $part_mut:ident: $layer:ident),* $(,)? }
    ) => {
        #[doc = concat!("What is inside a `", stringify!($wrapper), "` of a model.")]
        #[doc(hidden)]
        pub struct $access<N, $($inner),*>(crate::rt::Place<N>, std::marker::PhantomData<fn() -> ($($inner,)*)>);

        impl<N: crate::rt::Reads, $($inner: crate::rt::Weighted),*> $access<N, $($inner),*> {
            $($(#[$doc])*
            pub fn $part(&self) -> $layer::Weights<&crate::rt::Network> {
                self.0.part::<$layer>(stringify!($part))
            })*
            $($(#[$doc])*
            pub fn $part_mut(&mut self) -> $layer::Weights<&mut crate::rt::Network>
            where
                N: crate::rt::Writes,
            {
                self.0.part_mut::<$layer>(stringify!($part))
            })*
        }

        impl<N, $($inner),*> crate::rt::Access<N> for $access<N, $($inner),*> {
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

        impl<$($inner: crate::rt::Weighted),*> crate::rt::Weighted for $wrapper<$($inner),*> {
            type Weights<N> = $access<N, $($inner),*>;
        }
    };
}
pub(super) use wrapper;
