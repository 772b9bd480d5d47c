///From `x: [i32; 100]`, `memory: [100, 64]` to `[100, 64]`.
struct Decoder;
///The layers of [`Decoder`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct DecoderLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <MultiHeadAttention as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <Embedding as ::keras::rt::IsLayer>::Layer;
    impl Decoder {
        const INPUT_X: ::keras::rt::Spec = ::keras::rt::Spec::of(&[100])
            .with_dtype(::keras::rt::DType::I32);
        const INPUT_MEMORY: ::keras::rt::Spec = ::keras::rt::Spec::of(&[100, 64]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[100, 64]);
        const ATTENTION: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(4, 16)
        };
        const EMBEDDING: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(1000, 64)
        };
        const EMBEDDING_PLAN: ::keras::rt::PlanResult = Self::EMBEDDING
            .plan(&[Self::INPUT_X]);
        const ATTENTION_CALL_1: __Layer0 = {
            use ::keras::symbols::*;
            Self::ATTENTION.use_causal_mask(true)
        };
        const ATTENTION_PLAN: ::keras::rt::PlanResult = Self::ATTENTION_CALL_1
            .plan(
                &[
                    ::keras::rt::output(&Self::EMBEDDING_PLAN, 0),
                    ::keras::rt::output(&Self::EMBEDDING_PLAN, 0),
                ],
            );
        const ATTENTION_PLAN_2: ::keras::rt::PlanResult = ::keras::rt::shared_plan(
            &Self::ATTENTION_PLAN,
            Self::ATTENTION
                .plan(
                    &[::keras::rt::output(&Self::ATTENTION_PLAN, 0), Self::INPUT_MEMORY],
                ),
        );
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[&Self::EMBEDDING_PLAN, &Self::ATTENTION_PLAN],
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
    impl ::keras::rt::Architecture for Decoder {
        type Input = (
            ::keras::model::Batch<::keras::model::D1<100>, i32>,
            ::keras::model::Batch<::keras::model::D2<100, 64>>,
        );
        type Output = ::keras::model::Batch<::keras::model::D2<100, 64>>;
        type Layers = DecoderLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "decoder",
            sequential: false,
            inputs: &[
                ::keras::rt::InputSpec::new("x", Self::INPUT_X),
                ::keras::rt::InputSpec::new("memory", Self::INPUT_MEMORY),
            ],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "attention",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(2),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("attention", &Self::ATTENTION),
                ::keras::rt::LayerSpec::new("embedding", &Self::EMBEDDING),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::Input(0)],
                    &Self::EMBEDDING_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                        0,
                        &[::keras::rt::Source::node(0), ::keras::rt::Source::node(0)],
                        &Self::ATTENTION_PLAN,
                    )
                    .with_options(&Self::ATTENTION_CALL_1),
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::node(1), ::keras::rt::Source::Input(1)],
                    &Self::ATTENTION_PLAN_2,
                ),
            ],
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::EMBEDDING, at);
            let at = run.step(&Self::ATTENTION_CALL_1, at);
            let at = run.step(&Self::ATTENTION, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::ATTENTION, at);
            let at = run.back(&Self::ATTENTION_CALL_1, at);
            let at = run.back(&Self::EMBEDDING, at);
            at
        }
    }
    impl Decoder {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Decoder
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
    impl ::keras::rt::Weighted for Decoder {
        type Weights<__N> = DecoderLayers<__N>;
        const IS_MODEL: bool = true;
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Decoder {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Decoder {
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
    type __Dims0 = ::keras::rt::dims!(Decoder::INPUT_X);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Decoder::EMBEDDING_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(::keras::rt::output(& Decoder::ATTENTION_PLAN, 0));
    impl<__N: ::keras::rt::Reads> DecoderLayers<__N> {
        ///The layer `embedding`: `Embedding`.
        pub fn embedding(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Decoder>(&self.0, &Decoder::EMBEDDING, 1)
        }
        ///The layer `embedding`, to change its weights.
        pub fn embedding_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Decoder>(&mut self.0, &Decoder::EMBEDDING, 1)
        }
        ///The layer `attention`: `MultiHeadAttention`.
        pub fn attention(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer0, (__Dims1, __Dims1), __Dims2> {
            ::keras::rt::LayerRef::of::<Decoder>(&self.0, &Decoder::ATTENTION, 0)
        }
        ///The layer `attention`, to change its weights.
        pub fn attention_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, (__Dims1, __Dims1), __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Decoder>(&mut self.0, &Decoder::ATTENTION, 0)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for DecoderLayers<__N> {
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
        &Decoder::INPUT_X,
        "the input `x` of `Decoder`",
    );
    const input_memory__: () = ::keras::rt::assert_input(
        &Decoder::INPUT_MEMORY,
        "the input `memory` of `Decoder`",
    );
    const embedding: () = ::keras::rt::assert_node(
        &Decoder::EMBEDDING_PLAN,
        1,
        "`Embedding`",
    );
    const attention: () = ::keras::rt::assert_node(
        &Decoder::ATTENTION_PLAN,
        1,
        "`MultiHeadAttention` (layer `attention`)",
    );
    const attention__2: () = ::keras::rt::assert_node(
        &Decoder::ATTENTION_PLAN_2,
        1,
        "`MultiHeadAttention` (layer `attention`)",
    );
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Decoder::ATTENTION_PLAN_2, 0),
        &Decoder::OUTPUT,
        "the output of `Decoder`",
    );
};
