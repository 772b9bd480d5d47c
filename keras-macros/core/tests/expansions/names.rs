///From `[28, 28, 1]` to `[10]`.
struct Named;
///The layers of [`Named`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct NamedLayers(::keras::rt::Network);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = Conv2D;
    type __Layer1 = Conv2D;
    type __Layer2 = Conv2D;
    type __Layer3 = Flatten;
    type __Layer4 = Dense;
    impl Named {
        const INPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[28, 28, 1]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[10]);
        const STEM: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(8, 3)
        };
        const BLOCK_1_CONV: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(8, 3)
        };
        const CONV2D: __Layer2 = {
            use ::keras::symbols::*;
            __Layer2::new(8, 3)
        };
        const FLATTEN: __Layer3 = {
            use ::keras::symbols::*;
            __Layer3::new()
        };
        const DENSE: __Layer4 = {
            use ::keras::symbols::*;
            __Layer4::new(10)
        };
        const STEM_PLAN: ::keras::rt::PlanResult = Self::STEM.plan(&[Self::INPUT]);
        const BLOCK_1_CONV_PLAN: ::keras::rt::PlanResult = Self::BLOCK_1_CONV
            .plan(&[::keras::rt::output(&Self::STEM_PLAN, 0usize)]);
        const CONV2D_PLAN: ::keras::rt::PlanResult = Self::CONV2D
            .plan(&[::keras::rt::output(&Self::BLOCK_1_CONV_PLAN, 0usize)]);
        const FLATTEN_PLAN: ::keras::rt::PlanResult = Self::FLATTEN
            .plan(&[::keras::rt::output(&Self::CONV2D_PLAN, 0usize)]);
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::FLATTEN_PLAN, 0usize)]);
        /// Trainable numbers.
        pub const PARAMS: usize = {
            ::keras::rt::params(
                &[
                    &Self::STEM_PLAN,
                    &Self::BLOCK_1_CONV_PLAN,
                    &Self::CONV2D_PLAN,
                    &Self::FLATTEN_PLAN,
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
    impl ::keras::rt::Architecture for Named {
        type Input = ::keras::model::Batch<::keras::model::D3<28, 28, 1>>;
        type Output = ::keras::model::Batch<::keras::model::D1<10>>;
        type Layers = NamedLayers;
        const GRAPH: &'static ::keras::rt::GraphSpec = {
            &::keras::rt::GraphSpec {
                name: "named",
                sequential: true,
                inputs: &[
                    ::keras::rt::InputSpec {
                        name: "input_layer",
                        spec: Self::INPUT,
                    },
                ],
                outputs: &[
                    ::keras::rt::OutputSpec {
                        name: "dense",
                        source: ::keras::rt::Source::node(4usize),
                    },
                ],
                layers: &[
                    ::keras::rt::LayerSpec {
                        name: "stem",
                        layer: &Self::STEM,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
                    ::keras::rt::LayerSpec {
                        name: "block-1.conv",
                        layer: &Self::BLOCK_1_CONV,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
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
                ],
                nodes: &[
                    ::keras::rt::NodeSpec {
                        layer: 0usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::Input(0usize)],
                        plan: ::keras::rt::plan_of(&Self::STEM_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 1usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(0usize)],
                        plan: ::keras::rt::plan_of(&Self::BLOCK_1_CONV_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 2usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(1usize)],
                        plan: ::keras::rt::plan_of(&Self::CONV2D_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 3usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(2usize)],
                        plan: ::keras::rt::plan_of(&Self::FLATTEN_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 4usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(3usize)],
                        plan: ::keras::rt::plan_of(&Self::DENSE_PLAN),
                    },
                ],
            }
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::STEM, at);
            let at = run.step(&Self::BLOCK_1_CONV, at);
            let at = run.step(&Self::CONV2D, at);
            let at = run.step(&Self::FLATTEN, at);
            let at = run.step(&Self::DENSE, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::DENSE, at);
            let at = run.back(&Self::FLATTEN, at);
            let at = run.back(&Self::CONV2D, at);
            let at = run.back(&Self::BLOCK_1_CONV, at);
            let at = run.back(&Self::STEM, at);
            at
        }
    }
    impl Named {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Named
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
    impl ::keras::rt::Weighted for Named {
        type Weights<'__a> = ::keras::rt::NoWeights;
        fn weights(_: &::keras::rt::Network, _: usize) -> ::keras::rt::NoWeights {
            ::keras::rt::NoWeights
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Named {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Named {
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
    type __Dims0 = ::keras::rt::dims!(Named::INPUT);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Named::STEM_PLAN, 0usize));
    type __Dims2 = ::keras::rt::dims!(
        ::keras::rt::output(& Named::BLOCK_1_CONV_PLAN, 0usize)
    );
    type __Dims3 = ::keras::rt::dims!(::keras::rt::output(& Named::CONV2D_PLAN, 0usize));
    type __Dims4 = ::keras::rt::dims!(
        ::keras::rt::output(& Named::FLATTEN_PLAN, 0usize)
    );
    type __Dims5 = ::keras::rt::dims!(::keras::rt::output(& Named::DENSE_PLAN, 0usize));
    impl NamedLayers {
        ///The layer `stem`: `Conv2D`.
        pub fn stem(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            let graph = <Named as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Named::STEM,
                ::keras::rt::leaf(graph, 0usize),
            )
        }
        ///The layer `block-1.conv`: `Conv2D`.
        pub fn block_1_conv(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            let graph = <Named as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Named::BLOCK_1_CONV,
                ::keras::rt::leaf(graph, 1usize),
            )
        }
        ///The layer `conv2d`: `Conv2D`.
        pub fn conv2d(&self) -> ::keras::rt::LayerRef<'_, __Layer2, __Dims2, __Dims3> {
            let graph = <Named as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Named::CONV2D,
                ::keras::rt::leaf(graph, 2usize),
            )
        }
        ///The layer `flatten`: `Flatten`.
        pub fn flatten(&self) -> ::keras::rt::LayerRef<'_, __Layer3, __Dims3, __Dims4> {
            let graph = <Named as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Named::FLATTEN,
                ::keras::rt::leaf(graph, 3usize),
            )
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer4, __Dims4, __Dims5> {
            let graph = <Named as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Named::DENSE,
                ::keras::rt::leaf(graph, 4usize),
            )
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::keras::rt::Network> for NamedLayers {
        fn from(network: ::keras::rt::Network) -> Self {
            Self(network)
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsRef<::keras::rt::Network> for NamedLayers {
        fn as_ref(&self) -> &::keras::rt::Network {
            &self.0
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsMut<::keras::rt::Network> for NamedLayers {
        fn as_mut(&mut self) -> &mut ::keras::rt::Network {
            &mut self.0
        }
    }
};
#[doc(hidden)]
#[allow(non_upper_case_globals, dead_code, clippy::all)]
const _: () = {
    const input__: () = ::keras::rt::assert_input(&Named::INPUT, "the input of `Named`");
    const stem: () = ::keras::rt::assert_node(
        &Named::STEM_PLAN,
        1usize,
        "`Conv2D` (layer `stem`)",
    );
    const block_1_conv: () = ::keras::rt::assert_node(
        &Named::BLOCK_1_CONV_PLAN,
        1usize,
        "`Conv2D` (layer `block-1.conv`)",
    );
    const conv2d: () = ::keras::rt::assert_node(&Named::CONV2D_PLAN, 1usize, "`Conv2D`");
    const flatten: () = ::keras::rt::assert_node(
        &Named::FLATTEN_PLAN,
        1usize,
        "`Flatten`",
    );
    const dense: () = ::keras::rt::assert_node(&Named::DENSE_PLAN, 1usize, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Named::DENSE_PLAN, 0usize),
        &Named::OUTPUT,
        "the output of `Named`",
    );
};
