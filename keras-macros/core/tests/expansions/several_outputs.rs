///From `x: [20, 8]` to `y: [16]`, `state: [16]`.
struct Encoder;
///The layers of [`Encoder`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct EncoderLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <LSTM as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <LSTM as ::keras::rt::IsLayer>::Layer;
    impl Encoder {
        const INPUT_X: ::keras::rt::Spec = ::keras::rt::Spec::of(&[20, 8]);
        const OUTPUT_Y: ::keras::rt::Spec = ::keras::rt::Spec::of(&[16]);
        const OUTPUT_STATE: ::keras::rt::Spec = ::keras::rt::Spec::of(&[16]);
        const LSTM: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(16).return_state(true)
        };
        const LSTM_1: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(16)
        };
        const LSTM_PLAN: ::keras::rt::PlanResult = Self::LSTM.plan(&[Self::INPUT_X]);
        const LSTM_1_CALL_1: __Layer1 = {
            use ::keras::symbols::*;
            Self::LSTM_1.initial_state_inputs(2)
        };
        const LSTM_1_PLAN: ::keras::rt::PlanResult = Self::LSTM_1_CALL_1
            .plan(
                &[
                    Self::INPUT_X,
                    ::keras::rt::output(&Self::LSTM_PLAN, 1),
                    ::keras::rt::output(&Self::LSTM_PLAN, 2),
                ],
            );
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[&Self::LSTM_PLAN, &Self::LSTM_1_PLAN],
        );
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
    impl ::keras::rt::Architecture for Encoder {
        type Input = ::keras::model::Batch<::keras::model::D2<20, 8>>;
        type Output = (
            ::keras::model::Batch<::keras::model::D1<16>>,
            ::keras::model::Batch<::keras::model::D1<16>>,
        );
        type Layers = EncoderLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "encoder",
            sequential: false,
            inputs: &[::keras::rt::InputSpec::new("x", Self::INPUT_X)],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "y",
                    Self::OUTPUT_Y,
                    ::keras::rt::Source::node(1),
                ),
                ::keras::rt::OutputSpec::new(
                    "state",
                    Self::OUTPUT_STATE,
                    ::keras::rt::Source::Node {
                        node: 0,
                        output: 1,
                    },
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("lstm", &Self::LSTM),
                ::keras::rt::LayerSpec::new("lstm_1", &Self::LSTM_1),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::Input(0)],
                    &Self::LSTM_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                        1,
                        &[
                            ::keras::rt::Source::Input(0),
                            ::keras::rt::Source::Node {
                                node: 0,
                                output: 1,
                            },
                            ::keras::rt::Source::Node {
                                node: 0,
                                output: 2,
                            },
                        ],
                        &Self::LSTM_1_PLAN,
                    )
                    .with_options(&Self::LSTM_1_CALL_1),
            ],
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::LSTM, at);
            let at = run.step(&Self::LSTM_1_CALL_1, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::LSTM_1_CALL_1, at);
            let at = run.back(&Self::LSTM, at);
            at
        }
    }
    impl Encoder {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Encoder
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
    impl ::keras::rt::Weighted for Encoder {
        type Weights<__N> = EncoderLayers<__N>;
        const IS_MODEL: bool = true;
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Encoder {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Encoder {
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
    type __Dims0 = ::keras::rt::dims!(Encoder::INPUT_X);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Encoder::LSTM_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(::keras::rt::output(& Encoder::LSTM_PLAN, 1));
    type __Dims3 = ::keras::rt::dims!(::keras::rt::output(& Encoder::LSTM_PLAN, 2));
    type __Dims4 = ::keras::rt::dims!(::keras::rt::output(& Encoder::LSTM_1_PLAN, 0));
    impl<__N: ::keras::rt::Reads> EncoderLayers<__N> {
        ///The layer `lstm`: `LSTM`.
        pub fn lstm(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, (__Dims1, __Dims2, __Dims3)> {
            ::keras::rt::LayerRef::of::<Encoder>(&self.0, &Encoder::LSTM, 0)
        }
        ///The layer `lstm`, to change its weights.
        pub fn lstm_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims0, (__Dims1, __Dims2, __Dims3)>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Encoder>(&mut self.0, &Encoder::LSTM, 0)
        }
        ///The layer `lstm_1`: `LSTM`.
        pub fn lstm_1(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer1, (__Dims0, __Dims2, __Dims3), __Dims4> {
            ::keras::rt::LayerRef::of::<Encoder>(&self.0, &Encoder::LSTM_1, 1)
        }
        ///The layer `lstm_1`, to change its weights.
        pub fn lstm_1_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, (__Dims0, __Dims2, __Dims3), __Dims4>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Encoder>(&mut self.0, &Encoder::LSTM_1, 1)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for EncoderLayers<__N> {
        fn at(place: ::keras::rt::Place<__N>) -> Self {
            Self(place)
        }
        fn place(&self) -> &::keras::rt::Place<__N> {
            &self.0
        }
        fn place_mut(&mut self) -> &mut ::keras::rt::Place<__N> {
            &mut self.0
        }
    }
};
#[doc(hidden)]
#[allow(non_upper_case_globals, dead_code, clippy::all)]
const _: () = {
    const input_x__: () = ::keras::rt::assert_input(
        &Encoder::INPUT_X,
        "the input `x` of `Encoder`",
    );
    const lstm: () = ::keras::rt::assert_node(&Encoder::LSTM_PLAN, 3, "`LSTM`");
    const lstm_1: () = ::keras::rt::assert_node(
        &Encoder::LSTM_1_PLAN,
        1,
        "`LSTM` (layer `lstm_1`)",
    );
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Encoder::LSTM_1_PLAN, 0),
        &Encoder::OUTPUT_Y,
        "the output `y` of `Encoder`",
    );
    const output__1: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Encoder::LSTM_PLAN, 1),
        &Encoder::OUTPUT_STATE,
        "the output `state` of `Encoder`",
    );
};
