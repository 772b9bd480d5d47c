///From `x: [6, 8]` to `[6, 4]`.
struct Twin;
///The layers of [`Twin`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct TwinLayers(::keras::rt::Network);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = Tower;
    type __Layer1 = Dense;
    impl Twin {
        const INPUT_X: ::keras::rt::Spec = ::keras::rt::Spec::of(&[6, 8]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[6, 4]);
        const TOWER: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new()
        };
        const DENSE: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(4)
        };
        const TOWER_PLAN: ::keras::rt::PlanResult = Self::TOWER.plan(&[Self::INPUT_X]);
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::TOWER_PLAN, 0usize)]);
        /// Trainable numbers.
        pub const PARAMS: usize = {
            ::keras::rt::params(&[&Self::TOWER_PLAN, &Self::DENSE_PLAN])
        };
        /// 32-bit floats per sample that the values of a forward pass take.
        pub const PEAK: usize = ::keras::rt::peak_floats(
            <Self as ::keras::rt::Architecture>::GRAPH,
        );
        /// 32-bit floats per sample that values, what backward keeps, and gradients take in a training step.
        pub const TRAIN_PEAK: usize = ::keras::rt::train_peak_floats(
            <Self as ::keras::rt::Architecture>::GRAPH,
        );
    }
    #[automatically_derived]
    impl ::keras::rt::Architecture for Twin {
        type Input = ::keras::model::Batch<::keras::model::D2<6, 8>>;
        type Output = ::keras::model::Batch<::keras::model::D2<6, 4>>;
        type Layers = TwinLayers;
        const GRAPH: &'static ::keras::rt::GraphSpec = {
            &::keras::rt::GraphSpec {
                name: "twin",
                sequential: false,
                inputs: &[
                    ::keras::rt::InputSpec {
                        name: "x",
                        spec: Self::INPUT_X,
                    },
                ],
                outputs: &[
                    ::keras::rt::OutputSpec {
                        name: "dense",
                        source: ::keras::rt::Source::node(1usize),
                    },
                ],
                layers: &[
                    ::keras::rt::LayerSpec {
                        name: "tower",
                        layer: &Self::TOWER,
                        trainable: false,
                        activity_regularizer: ::core::option::Option::None,
                    },
                    ::keras::rt::LayerSpec {
                        name: "dense",
                        layer: &Self::DENSE,
                        trainable: true,
                        activity_regularizer: {
                            use ::keras::symbols::*;
                            ::core::option::Option::Some(L1(0.1))
                        },
                    },
                ],
                nodes: &[
                    ::keras::rt::NodeSpec {
                        layer: 0usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::Input(0usize)],
                        plan: ::keras::rt::plan_of(&Self::TOWER_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 1usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(0usize)],
                        plan: ::keras::rt::plan_of(&Self::DENSE_PLAN),
                    },
                ],
            }
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::TOWER, at);
            let at = run.step(&Self::DENSE, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::DENSE, at);
            let at = run.back(&Self::TOWER, at);
            at
        }
    }
    impl Twin {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Twin
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
    impl ::keras::rt::Weighted for Twin {
        type Weights<'__a> = ::keras::rt::NoWeights;
        fn weights(_: &::keras::rt::Network, _: usize) -> ::keras::rt::NoWeights {
            ::keras::rt::NoWeights
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Twin {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Twin {
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
    type __Dims0 = ::keras::rt::dims!(Twin::INPUT_X);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Twin::TOWER_PLAN, 0usize));
    type __Dims2 = ::keras::rt::dims!(::keras::rt::output(& Twin::DENSE_PLAN, 0usize));
    impl TwinLayers {
        ///The layer `tower`: `Tower`.
        pub fn tower(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            let graph = <Twin as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Twin::TOWER,
                ::keras::rt::leaf(graph, 0usize),
            )
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            let graph = <Twin as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Twin::DENSE,
                ::keras::rt::leaf(graph, 1usize),
            )
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::keras::rt::Network> for TwinLayers {
        fn from(network: ::keras::rt::Network) -> Self {
            Self(network)
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsRef<::keras::rt::Network> for TwinLayers {
        fn as_ref(&self) -> &::keras::rt::Network {
            &self.0
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsMut<::keras::rt::Network> for TwinLayers {
        fn as_mut(&mut self) -> &mut ::keras::rt::Network {
            &mut self.0
        }
    }
};
#[doc(hidden)]
#[allow(non_upper_case_globals, dead_code, clippy::all)]
const _: () = {
    const input_x__: () = ::keras::rt::assert_input(
        &Twin::INPUT_X,
        "the input `x` of `Twin`",
    );
    const tower: () = ::keras::rt::assert_node(&Twin::TOWER_PLAN, 1usize, "`Tower`");
    const dense: () = ::keras::rt::assert_node(&Twin::DENSE_PLAN, 1usize, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Twin::DENSE_PLAN, 0usize),
        &Twin::OUTPUT,
        "the output of `Twin`",
    );
};
