///From `[20, 8]` to `[20, 5]`.
struct Tagger;
///The layers of [`Tagger`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct TaggerLayers(::keras::rt::Network);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Inner0 = LSTM;
    type __Inner1 = Dense;
    type __Layer0 = Bidirectional<__Inner0>;
    type __Layer1 = TimeDistributed<__Inner1>;
    impl Tagger {
        const INPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[20, 8]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[20, 5]);
        const INNER_LSTM: __Inner0 = {
            use ::keras::symbols::*;
            __Inner0::new(16).return_sequences(true)
        };
        const INNER_DENSE: __Inner1 = {
            use ::keras::symbols::*;
            __Inner1::new(5)
        };
        const BIDIRECTIONAL: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(Self::INNER_LSTM).merge_mode(sum)
        };
        const TIME_DISTRIBUTED: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(Self::INNER_DENSE)
        };
        const BIDIRECTIONAL_PLAN: ::keras::rt::PlanResult = ::keras::rt::wrapped!(
            Self::BIDIRECTIONAL, & [Self::INPUT], specs => Self::INNER_LSTM.plan(specs)
        );
        const TIME_DISTRIBUTED_PLAN: ::keras::rt::PlanResult = ::keras::rt::wrapped!(
            Self::TIME_DISTRIBUTED, & [::keras::rt::output(& Self::BIDIRECTIONAL_PLAN,
            0usize)], specs => Self::INNER_DENSE.plan(specs)
        );
        /// Trainable numbers.
        pub const PARAMS: usize = {
            ::keras::rt::params(
                &[&Self::BIDIRECTIONAL_PLAN, &Self::TIME_DISTRIBUTED_PLAN],
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
    impl ::keras::rt::Architecture for Tagger {
        type Input = ::keras::model::Batch<::keras::model::D2<20, 8>>;
        type Output = ::keras::model::Batch<::keras::model::D2<20, 5>>;
        type Layers = TaggerLayers;
        const GRAPH: &'static ::keras::rt::GraphSpec = {
            &::keras::rt::GraphSpec {
                name: "tagger",
                sequential: true,
                inputs: &[
                    ::keras::rt::InputSpec {
                        name: "input_layer",
                        spec: Self::INPUT,
                    },
                ],
                outputs: &[
                    ::keras::rt::OutputSpec {
                        name: "time_distributed",
                        source: ::keras::rt::Source::node(1usize),
                    },
                ],
                layers: &[
                    ::keras::rt::LayerSpec {
                        name: "bidirectional",
                        layer: &Self::BIDIRECTIONAL,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
                    ::keras::rt::LayerSpec {
                        name: "time_distributed",
                        layer: &Self::TIME_DISTRIBUTED,
                        trainable: true,
                        activity_regularizer: ::core::option::Option::None,
                    },
                ],
                nodes: &[
                    ::keras::rt::NodeSpec {
                        layer: 0usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::Input(0usize)],
                        plan: ::keras::rt::plan_of(&Self::BIDIRECTIONAL_PLAN),
                    },
                    ::keras::rt::NodeSpec {
                        layer: 1usize,
                        call: ::core::option::Option::None,
                        inputs: &[::keras::rt::Source::node(0usize)],
                        plan: ::keras::rt::plan_of(&Self::TIME_DISTRIBUTED_PLAN),
                    },
                ],
            }
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::BIDIRECTIONAL, at);
            let at = run.step(&Self::TIME_DISTRIBUTED, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::TIME_DISTRIBUTED, at);
            let at = run.back(&Self::BIDIRECTIONAL, at);
            at
        }
    }
    impl Tagger {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Tagger
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
    impl ::keras::rt::Weighted for Tagger {
        type Weights<'__a> = ::keras::rt::NoWeights;
        fn weights(_: &::keras::rt::Network, _: usize) -> ::keras::rt::NoWeights {
            ::keras::rt::NoWeights
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Tagger {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Tagger {
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
    type __Dims0 = ::keras::rt::dims!(Tagger::INPUT);
    type __Dims1 = ::keras::rt::dims!(
        ::keras::rt::output(& Tagger::BIDIRECTIONAL_PLAN, 0usize)
    );
    type __Dims2 = ::keras::rt::dims!(
        ::keras::rt::output(& Tagger::TIME_DISTRIBUTED_PLAN, 0usize)
    );
    impl TaggerLayers {
        ///The layer `bidirectional`: `Bidirectional`.
        pub fn bidirectional(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            let graph = <Tagger as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Tagger::BIDIRECTIONAL,
                ::keras::rt::leaf(graph, 0usize),
            )
        }
        ///The layer `time_distributed`: `TimeDistributed`.
        pub fn time_distributed(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            let graph = <Tagger as ::keras::rt::Architecture>::GRAPH;
            ::keras::rt::LayerRef::new(
                &self.0,
                &Tagger::TIME_DISTRIBUTED,
                ::keras::rt::leaf(graph, 1usize),
            )
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<::keras::rt::Network> for TaggerLayers {
        fn from(network: ::keras::rt::Network) -> Self {
            Self(network)
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsRef<::keras::rt::Network> for TaggerLayers {
        fn as_ref(&self) -> &::keras::rt::Network {
            &self.0
        }
    }
    #[automatically_derived]
    impl ::core::convert::AsMut<::keras::rt::Network> for TaggerLayers {
        fn as_mut(&mut self) -> &mut ::keras::rt::Network {
            &mut self.0
        }
    }
};
#[doc(hidden)]
#[allow(non_upper_case_globals, dead_code, clippy::all)]
const _: () = {
    const input__: () = ::keras::rt::assert_input(
        &Tagger::INPUT,
        "the input of `Tagger`",
    );
    const bidirectional: () = ::keras::rt::assert_node(
        &Tagger::BIDIRECTIONAL_PLAN,
        1usize,
        "`Bidirectional`",
    );
    const time_distributed: () = ::keras::rt::assert_node(
        &Tagger::TIME_DISTRIBUTED_PLAN,
        1usize,
        "`TimeDistributed`",
    );
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Tagger::TIME_DISTRIBUTED_PLAN, 0usize),
        &Tagger::OUTPUT,
        "the output of `Tagger`",
    );
};
