///From `left: [28, 28, 1]`, `right: [28, 28, 1]` to `[1]`.
pub(crate) struct Siamese;
///The layers of [`Siamese`], by name.
#[allow(missing_debug_implementations, dead_code)]
pub(crate) struct SiameseLayers(::keras::rt::Network);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = Conv2D;
    type __Layer1 = Flatten;
    type __Layer2 = Dense;
    type __Layer3 = ::keras::layers::Subtract;
    impl Siamese {
        const INPUT_LEFT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[28, 28, 1]);
        const INPUT_RIGHT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[28, 28, 1]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[1]);
        const CONV2D: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(16, 3).strides([2, 1])
        };
        const FLATTEN: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new()
        };
        const DENSE: __Layer2 = {
            use ::keras::symbols::*;
            __Layer2::new(1)
        };
        const SUBTRACT: __Layer3 = {
            use ::keras::symbols::*;
            __Layer3::new()
        };
        const CONV2D_PLAN: ::keras::rt::PlanResult = Self::CONV2D
            .plan(&[Self::INPUT_LEFT]);
        const FLATTEN_PLAN: ::keras::rt::PlanResult = Self::FLATTEN
            .plan(&[::keras::rt::output(&Self::CONV2D_PLAN, 0usize)]);
        const CONV2D_PLAN_2: ::keras::rt::PlanResult = ::keras::rt::shared_plan(
            &Self::CONV2D_PLAN,
            Self::CONV2D.plan(&[Self::INPUT_RIGHT]),
        );
        const FLATTEN_PLAN_2: ::keras::rt::PlanResult = ::keras::rt::shared_plan(
            &Self::FLATTEN_PLAN,
            Self::FLATTEN.plan(&[::keras::rt::output(&Self::CONV2D_PLAN_2, 0usize)]),
        );
        const SUBTRACT_PLAN: ::keras::rt::PlanResult = Self::SUBTRACT
            .plan(
                &[
                    ::keras::rt::output(&Self::FLATTEN_PLAN, 0usize),
                    ::keras::rt::output(&Self::FLATTEN_PLAN_2, 0usize),
                ],
            );
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::SUBTRACT_PLAN, 0usize)]);
        /// Trainable numbers.
        pub const PARAMS: usize = {
            ::keras::rt::params(
                &[
                    &Self::CONV2D_PLAN,
                    &Self::FLATTEN_PLAN,
                    &Self::SUBTRACT_PLAN,
                    &Self::DENSE_PLAN,
                ],
            )
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
    impl ::keras::rt::Architecture for Siamese {
        type Input = (
            ::keras::model::Batch<::keras::model::D3<28, 28, 1>>,
            ::keras::model::Batch<::keras::model::D3<28, 28, 1>>,
        );
        type Output = ::keras::model::Batch<::keras::model::D1<1>>;
        type Layers = SiameseLayers;
        const GRAPH: &'static ::keras::rt::GraphSpec = {
            &::keras::rt::GraphSpec {
                name: "siamese",
                sequential: false,
                inputs: &[
                    ::keras::rt::InputSpec {
                        name: "left",
                        spec: Self::INPUT_LEFT,
                    },
                    ::keras::rt::InputSpec {
                        name: "right",
                        spec: Self::INPUT_RIGHT,
                    },
                ],
                outputs: &[
                    ::keras::rt::OutputSpec {
                        name: "dense",
                        source: ::keras::rt::Source::node(5usize),
                    },
                ],
                layers: &[
                    ::keras::rt::LayerSpec {
                        name: "conv2d",
                        layer: &Self::CONV2D,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
                    ::keras::rt::LayerSpec {
                        name: "flatten",
                        layer: &Self::FLATTEN,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
                    ::keras::rt::LayerSpec {
                        name: "dense",
                        layer: &Self::DENSE,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
                    ::keras::rt::LayerSpec {
                        name: "subtract",
                        layer: &Self::SUBTRACT,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
                ],
                nodes: &[
                    ::keras::rt::NodeSpec {
                        layer: 0usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::Input(0usize)],
                        plan: ::keras::rt::plan_of(&Self::CONV2D_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 1usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(0usize)],
                        plan: ::keras::rt::plan_of(&Self::FLATTEN_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 0usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::Input(1usize)],
                        plan: ::keras::rt::plan_of(&Self::CONV2D_PLAN_2),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 1usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(2usize)],
                        plan: ::keras::rt::plan_of(&Self::FLATTEN_PLAN_2),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 3usize,
                        call: ::core::option::Option::None,
                        inputs: &[
                            ::keras::rt::Source::node(1usize),
                            ::keras::rt::Source::node(3usize),
                        ],
                        plan: ::keras::rt::plan_of(&Self::SUBTRACT_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 2usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(4usize)],
                        plan: ::keras::rt::plan_of(&Self::DENSE_PLAN),
                    },
                ],
            }
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::CONV2D, at);
            let at = run.step(&Self::FLATTEN, at);
            let at = run.step(&Self::CONV2D, at);
            let at = run.step(&Self::FLATTEN, at);
            let at = run.step(&Self::SUBTRACT, at);
            let at = run.step(&Self::DENSE, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::DENSE, at);
            let at = run.back(&Self::SUBTRACT, at);
            let at = run.back(&Self::FLATTEN, at);
            let at = run.back(&Self::CONV2D, at);
            let at = run.back(&Self::FLATTEN, at);
            let at = run.back(&Self::CONV2D, at);
            at
        }
    }
    impl Siamese {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Siamese
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
    impl ::keras::rt::Weighted for Siamese {
        type Weights<'__a> = ::keras::rt::NoWeights;
        fn weights(_: &::keras::rt::Network, _: usize) -> ::keras::rt::NoWeights {
            ::keras::rt::NoWeights
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Siamese {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Siamese {
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
    type __Dims0 = ::keras::rt::dims!(Siamese::INPUT_LEFT);
    type __Dims1 = ::keras::rt::dims!(
        ::keras::rt::output(& Siamese::CONV2D_PLAN, 0usize)
    );
    type __Dims2 = ::keras::rt::dims!(
        ::keras::rt::output(& Siamese::FLATTEN_PLAN, 0usize)
    );
    type __Dims3 = ::keras::rt::dims!(
        ::keras::rt::output(& Siamese::FLATTEN_PLAN_2, 0usize)
    );
    type __Dims4 = ::keras::rt::dims!(
        ::keras::rt::output(& Siamese::SUBTRACT_PLAN, 0usize)
    );
    type __Dims5 = ::keras::rt::dims!(
        ::keras::rt::output(& Siamese::DENSE_PLAN, 0usize)
    );
    impl SiameseLayers {
        ///The layer `conv2d`: `Conv2D`.
        pub fn conv2d(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            let graph = <Siamese as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Siamese::CONV2D,
                ::keras::rt::leaf(graph, 0usize),
            )
        }
        ///The layer `flatten`: `Flatten`.
        pub fn flatten(&self) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            let graph = <Siamese as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Siamese::FLATTEN,
                ::keras::rt::leaf(graph, 1usize),
            )
        }
        ///The layer `subtract`: `subtract`.
        pub fn subtract(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer3, (__Dims2, __Dims3), __Dims4> {
            let graph = <Siamese as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Siamese::SUBTRACT,
                ::keras::rt::leaf(graph, 3usize),
            )
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer2, __Dims4, __Dims5> {
            let graph = <Siamese as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Siamese::DENSE,
                ::keras::rt::leaf(graph, 2usize),
            )
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::keras::rt::Network> for SiameseLayers {
        fn from(network: ::keras::rt::Network) -> Self {
            Self(network)
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsRef<::keras::rt::Network> for SiameseLayers {
        fn as_ref(&self) -> &::keras::rt::Network {
            &self.0
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsMut<::keras::rt::Network> for SiameseLayers {
        fn as_mut(&mut self) -> &mut ::keras::rt::Network {
            &mut self.0
        }
    }
};
#[doc(hidden)]
#[allow(non_upper_case_globals, dead_code, clippy::all)]
const _: () = {
    const input_left__: () = ::keras::rt::assert_input(
        &Siamese::INPUT_LEFT,
        "the input `left` of `Siamese`",
    );
    const input_right__: () = ::keras::rt::assert_input(
        &Siamese::INPUT_RIGHT,
        "the input `right` of `Siamese`",
    );
    const conv2d: () = ::keras::rt::assert_node(
        &Siamese::CONV2D_PLAN,
        1usize,
        "`Conv2D`",
    );
    const flatten: () = ::keras::rt::assert_node(
        &Siamese::FLATTEN_PLAN,
        1usize,
        "`Flatten`",
    );
    const conv2d__2: () = ::keras::rt::assert_node(
        &Siamese::CONV2D_PLAN_2,
        1usize,
        "`Conv2D`",
    );
    const flatten__2: () = ::keras::rt::assert_node(
        &Siamese::FLATTEN_PLAN_2,
        1usize,
        "`Flatten`",
    );
    const subtract: () = ::keras::rt::assert_node(
        &Siamese::SUBTRACT_PLAN,
        1usize,
        "`subtract`",
    );
    const dense: () = ::keras::rt::assert_node(&Siamese::DENSE_PLAN, 1usize, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Siamese::DENSE_PLAN, 0usize),
        &Siamese::OUTPUT,
        "the output of `Siamese`",
    );
};
