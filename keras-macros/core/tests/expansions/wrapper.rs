///From `[20, 8]` to `[20, 5]`.
struct Tagger;
///The layers of [`Tagger`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct TaggerLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Inner0 = <LSTM as ::keras::rt::IsLayer>::Layer;
    type __Inner1 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer0 = <Bidirectional<__Inner0> as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <TimeDistributed<__Inner1> as ::keras::rt::IsLayer>::Layer;
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
            0)], specs => Self::INNER_DENSE.plan(specs)
        );
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[&Self::BIDIRECTIONAL_PLAN, &Self::TIME_DISTRIBUTED_PLAN],
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
    impl ::keras::rt::Architecture for Tagger {
        type Input = ::keras::model::Batch<::keras::model::D2<20, 8>>;
        type Output = ::keras::model::Batch<::keras::model::D2<20, 5>>;
        type Layers = TaggerLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "tagger",
            sequential: true,
            inputs: &[::keras::rt::InputSpec::new("input_layer", Self::INPUT)],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "time_distributed",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(1),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("bidirectional", &Self::BIDIRECTIONAL),
                ::keras::rt::LayerSpec::new("time_distributed", &Self::TIME_DISTRIBUTED),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::Input(0)],
                    &Self::BIDIRECTIONAL_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::node(0)],
                    &Self::TIME_DISTRIBUTED_PLAN,
                ),
            ],
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
        type Weights<__N> = TaggerLayers<__N>;
        const IS_MODEL: bool = true;
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
        ::keras::rt::output(& Tagger::BIDIRECTIONAL_PLAN, 0)
    );
    type __Dims2 = ::keras::rt::dims!(
        ::keras::rt::output(& Tagger::TIME_DISTRIBUTED_PLAN, 0)
    );
    impl<__N: ::keras::rt::Reads> TaggerLayers<__N> {
        ///The layer `bidirectional`: `Bidirectional`.
        pub fn bidirectional(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Tagger>(&self.0, &Tagger::BIDIRECTIONAL, 0)
        }
        ///The layer `bidirectional`, to change its weights.
        pub fn bidirectional_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Tagger>(&mut self.0, &Tagger::BIDIRECTIONAL, 0)
        }
        ///The layer `time_distributed`: `TimeDistributed`.
        pub fn time_distributed(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            ::keras::rt::LayerRef::of::<Tagger>(&self.0, &Tagger::TIME_DISTRIBUTED, 1)
        }
        ///The layer `time_distributed`, to change its weights.
        pub fn time_distributed_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims1, __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<
                Tagger,
            >(&mut self.0, &Tagger::TIME_DISTRIBUTED, 1)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for TaggerLayers<__N> {
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
    const input__: () = ::keras::rt::assert_input(
        &Tagger::INPUT,
        "the input of `Tagger`",
    );
    const bidirectional: () = ::keras::rt::assert_node(
        &Tagger::BIDIRECTIONAL_PLAN,
        1,
        "`Bidirectional`",
    );
    const time_distributed: () = ::keras::rt::assert_node(
        &Tagger::TIME_DISTRIBUTED_PLAN,
        1,
        "`TimeDistributed`",
    );
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Tagger::TIME_DISTRIBUTED_PLAN, 0),
        &Tagger::OUTPUT,
        "the output of `Tagger`",
    );
};
