::core::compile_error! {
    "cannot find `yy` in this model; did you mean `y`?"
}
///From `x: [32]` to `[10]`.
pub struct Net;
///The layers of [`Net`], by name.
#[allow(missing_debug_implementations, dead_code)]
pub struct NetLayers(::keras::rt::Network);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = Dense;
    type __Layer1 = Dense;
    impl Net {
        const INPUT_X: ::keras::rt::Spec = ::keras::rt::Spec::of(&[32]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[10]);
        const DENSE: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(64).activation(relu)
        };
        const DENSE_1: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(10)
        };
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE.plan(&[Self::INPUT_X]);
        /// Unknown: the model has a mistake.
        pub const PARAMS: usize = 0;
        /// Unknown: the model has a mistake.
        pub const PEAK: usize = 0;
        /// Unknown: the model has a mistake.
        pub const TRAIN_PEAK: usize = 0;
    }
    #[automatically_derived]
    impl ::keras::rt::Architecture for Net {
        type Input = ::keras::model::Batch<::keras::model::D1<32>>;
        type Output = ::keras::model::Batch<::keras::model::D1<10>>;
        type Layers = NetLayers;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::EMPTY;
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            at
        }
    }
    impl Net {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Net
        }
        /// Its plan as a layer of another one: the inputs must be those that it declares.
        ///
        /// # Errors
        /// If they are not.
        pub const fn plan(
            &self,
            inputs: &[::keras::rt::Spec],
        ) -> ::keras::rt::PlanResult {
            ::keras::rt::model_plan(<Self as ::keras::rt::Architecture>::GRAPH, inputs)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Weighted for Net {
        type Weights<'__a> = ::keras::rt::NoWeights;
        fn weights(_: &::keras::rt::Network, _: usize) -> ::keras::rt::NoWeights {
            ::keras::rt::NoWeights
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Net {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Net {
        fn plan_for(&self, inputs: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
            self.plan(inputs)
        }
        fn forward(&self, _: &::keras::rt::Context<'_>, _: &::keras::rt::Call) {
            ::keras::rt::runs_its_own_calls()
        }
        fn backward(&self, _: &::keras::rt::Context<'_>, _: &::keras::rt::Call) {
            ::keras::rt::runs_its_own_calls()
        }
        fn run_forward(&self, run: &::keras::rt::Run<'_>, at: usize) -> usize {
            <Self as ::keras::rt::Architecture>::forward(run, at)
        }
        fn run_backward(&self, run: &::keras::rt::Run<'_>, at: usize) -> usize {
            <Self as ::keras::rt::Architecture>::backward(run, at)
        }
    }
    type __Dims0 = ::keras::rt::dims!(Net::INPUT_X);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Net::DENSE_PLAN, 0usize));
    impl NetLayers {
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            let graph = <Net as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Net::DENSE,
                ::keras::rt::leaf(graph, 0usize),
            )
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::keras::rt::Network> for NetLayers {
        fn from(network: ::keras::rt::Network) -> Self {
            Self(network)
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsRef<::keras::rt::Network> for NetLayers {
        fn as_ref(&self) -> &::keras::rt::Network {
            &self.0
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsMut<::keras::rt::Network> for NetLayers {
        fn as_mut(&mut self) -> &mut ::keras::rt::Network {
            &mut self.0
        }
    }
};
#[doc(hidden)]
#[allow(non_upper_case_globals, dead_code, clippy::all)]
const _: () = {
    const input_x__: () = ::keras::rt::assert_input(
        &Net::INPUT_X,
        "the input `x` of `Net`",
    );
    const dense: () = ::keras::rt::assert_node(&Net::DENSE_PLAN, 1usize, "`Dense`");
};
