///From `words: [i32; 20]`, `pixels: [u8; 8, 8]` to `[2]`.
struct Reader;
///The layers of [`Reader`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct ReaderLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <GlobalAveragePooling1D as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <Embedding as ::keras::rt::IsLayer>::Layer;
    type __Layer2 = <Flatten as ::keras::rt::IsLayer>::Layer;
    type __Layer3 = <Embedding as ::keras::rt::IsLayer>::Layer;
    type __Layer4 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer5 = <::keras::layers::Concatenate as ::keras::rt::IsLayer>::Layer;
    impl Reader {
        const INPUT_WORDS: ::keras::rt::Spec = ::keras::rt::Spec::of(&[20])
            .with_dtype(::keras::rt::DType::I32);
        const INPUT_PIXELS: ::keras::rt::Spec = ::keras::rt::Spec::of(&[8, 8])
            .with_dtype(::keras::rt::DType::U8);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[2]);
        const GLOBAL_AVERAGE_POOLING1D: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new()
        };
        const EMBEDDING: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(1000, 4)
        };
        const FLATTEN: __Layer2 = {
            use ::keras::symbols::*;
            __Layer2::new()
        };
        const EMBEDDING_1: __Layer3 = {
            use ::keras::symbols::*;
            __Layer3::new(256, 2)
        };
        const DENSE: __Layer4 = {
            use ::keras::symbols::*;
            __Layer4::new(2)
        };
        const CONCATENATE: __Layer5 = {
            use ::keras::symbols::*;
            __Layer5::new()
        };
        const EMBEDDING_PLAN: ::keras::rt::PlanResult = Self::EMBEDDING
            .plan(&[Self::INPUT_WORDS]);
        const GLOBAL_AVERAGE_POOLING1D_PLAN: ::keras::rt::PlanResult = Self::GLOBAL_AVERAGE_POOLING1D
            .plan(&[::keras::rt::output(&Self::EMBEDDING_PLAN, 0)]);
        const EMBEDDING_1_PLAN: ::keras::rt::PlanResult = Self::EMBEDDING_1
            .plan(&[Self::INPUT_PIXELS]);
        const FLATTEN_PLAN: ::keras::rt::PlanResult = Self::FLATTEN
            .plan(&[::keras::rt::output(&Self::EMBEDDING_1_PLAN, 0)]);
        const CONCATENATE_PLAN: ::keras::rt::PlanResult = Self::CONCATENATE
            .plan(
                &[
                    ::keras::rt::output(&Self::GLOBAL_AVERAGE_POOLING1D_PLAN, 0),
                    ::keras::rt::output(&Self::FLATTEN_PLAN, 0),
                ],
            );
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::CONCATENATE_PLAN, 0)]);
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[
                &Self::EMBEDDING_PLAN,
                &Self::GLOBAL_AVERAGE_POOLING1D_PLAN,
                &Self::EMBEDDING_1_PLAN,
                &Self::FLATTEN_PLAN,
                &Self::CONCATENATE_PLAN,
                &Self::DENSE_PLAN,
            ],
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
    impl ::keras::rt::Architecture for Reader {
        type Input = (
            ::keras::model::Batch<::keras::model::D1<20>, i32>,
            ::keras::model::Batch<::keras::model::D2<8, 8>, u8>,
        );
        type Output = ::keras::model::Batch<::keras::model::D1<2>>;
        type Layers = ReaderLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "reader",
            sequential: false,
            inputs: &[
                ::keras::rt::InputSpec::new("words", Self::INPUT_WORDS),
                ::keras::rt::InputSpec::new("pixels", Self::INPUT_PIXELS),
            ],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "dense",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(5),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new(
                    "global_average_pooling1d",
                    &Self::GLOBAL_AVERAGE_POOLING1D,
                ),
                ::keras::rt::LayerSpec::new("embedding", &Self::EMBEDDING),
                ::keras::rt::LayerSpec::new("flatten", &Self::FLATTEN),
                ::keras::rt::LayerSpec::new("embedding_1", &Self::EMBEDDING_1),
                ::keras::rt::LayerSpec::new("dense", &Self::DENSE),
                ::keras::rt::LayerSpec::new("concatenate", &Self::CONCATENATE),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::Input(0)],
                    &Self::EMBEDDING_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::node(0)],
                    &Self::GLOBAL_AVERAGE_POOLING1D_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    3,
                    &[::keras::rt::Source::Input(1)],
                    &Self::EMBEDDING_1_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    2,
                    &[::keras::rt::Source::node(2)],
                    &Self::FLATTEN_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    5,
                    &[::keras::rt::Source::node(1), ::keras::rt::Source::node(3)],
                    &Self::CONCATENATE_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    4,
                    &[::keras::rt::Source::node(4)],
                    &Self::DENSE_PLAN,
                ),
            ],
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::EMBEDDING, at);
            let at = run.step(&Self::GLOBAL_AVERAGE_POOLING1D, at);
            let at = run.step(&Self::EMBEDDING_1, at);
            let at = run.step(&Self::FLATTEN, at);
            let at = run.step(&Self::CONCATENATE, at);
            let at = run.step(&Self::DENSE, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::DENSE, at);
            let at = run.back(&Self::CONCATENATE, at);
            let at = run.back(&Self::FLATTEN, at);
            let at = run.back(&Self::EMBEDDING_1, at);
            let at = run.back(&Self::GLOBAL_AVERAGE_POOLING1D, at);
            let at = run.back(&Self::EMBEDDING, at);
            at
        }
    }
    impl Reader {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Reader
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
    impl ::keras::rt::Weighted for Reader {
        type Weights<__N> = ReaderLayers<__N>;
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Reader {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Reader {
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
    type __Dims0 = ::keras::rt::dims!(Reader::INPUT_WORDS);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Reader::EMBEDDING_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(
        ::keras::rt::output(& Reader::GLOBAL_AVERAGE_POOLING1D_PLAN, 0)
    );
    type __Dims3 = ::keras::rt::dims!(Reader::INPUT_PIXELS);
    type __Dims4 = ::keras::rt::dims!(
        ::keras::rt::output(& Reader::EMBEDDING_1_PLAN, 0)
    );
    type __Dims5 = ::keras::rt::dims!(::keras::rt::output(& Reader::FLATTEN_PLAN, 0));
    type __Dims6 = ::keras::rt::dims!(
        ::keras::rt::output(& Reader::CONCATENATE_PLAN, 0)
    );
    type __Dims7 = ::keras::rt::dims!(::keras::rt::output(& Reader::DENSE_PLAN, 0));
    impl<__N: ::keras::rt::Reads> ReaderLayers<__N> {
        ///The layer `embedding`: `Embedding`.
        pub fn embedding(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Reader>(&self.0, &Reader::EMBEDDING, 1)
        }
        ///The layer `embedding`, to change its weights.
        pub fn embedding_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Reader>(&mut self.0, &Reader::EMBEDDING, 1)
        }
        ///The layer `global_average_pooling1d`: `GlobalAveragePooling1D`.
        pub fn global_average_pooling1d(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims1, __Dims2> {
            ::keras::rt::LayerRef::of::<
                Reader,
            >(&self.0, &Reader::GLOBAL_AVERAGE_POOLING1D, 0)
        }
        ///The layer `global_average_pooling1d`, to change its weights.
        pub fn global_average_pooling1d_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims1, __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<
                Reader,
            >(&mut self.0, &Reader::GLOBAL_AVERAGE_POOLING1D, 0)
        }
        ///The layer `embedding_1`: `Embedding`.
        pub fn embedding_1(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer3, __Dims3, __Dims4> {
            ::keras::rt::LayerRef::of::<Reader>(&self.0, &Reader::EMBEDDING_1, 3)
        }
        ///The layer `embedding_1`, to change its weights.
        pub fn embedding_1_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer3, __Dims3, __Dims4>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Reader>(&mut self.0, &Reader::EMBEDDING_1, 3)
        }
        ///The layer `flatten`: `Flatten`.
        pub fn flatten(&self) -> ::keras::rt::LayerRef<'_, __Layer2, __Dims4, __Dims5> {
            ::keras::rt::LayerRef::of::<Reader>(&self.0, &Reader::FLATTEN, 2)
        }
        ///The layer `flatten`, to change its weights.
        pub fn flatten_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer2, __Dims4, __Dims5>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Reader>(&mut self.0, &Reader::FLATTEN, 2)
        }
        ///The layer `concatenate`: `concat`.
        pub fn concatenate(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer5, (__Dims2, __Dims5), __Dims6> {
            ::keras::rt::LayerRef::of::<Reader>(&self.0, &Reader::CONCATENATE, 5)
        }
        ///The layer `concatenate`, to change its weights.
        pub fn concatenate_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer5, (__Dims2, __Dims5), __Dims6>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Reader>(&mut self.0, &Reader::CONCATENATE, 5)
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer4, __Dims6, __Dims7> {
            ::keras::rt::LayerRef::of::<Reader>(&self.0, &Reader::DENSE, 4)
        }
        ///The layer `dense`, to change its weights.
        pub fn dense_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer4, __Dims6, __Dims7>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Reader>(&mut self.0, &Reader::DENSE, 4)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for ReaderLayers<__N> {
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
    const input_words__: () = ::keras::rt::assert_input(
        &Reader::INPUT_WORDS,
        "the input `words` of `Reader`",
    );
    const input_pixels__: () = ::keras::rt::assert_input(
        &Reader::INPUT_PIXELS,
        "the input `pixels` of `Reader`",
    );
    const embedding: () = ::keras::rt::assert_node(
        &Reader::EMBEDDING_PLAN,
        1,
        "`Embedding`",
    );
    const global_average_pooling1d: () = ::keras::rt::assert_node(
        &Reader::GLOBAL_AVERAGE_POOLING1D_PLAN,
        1,
        "`GlobalAveragePooling1D`",
    );
    const embedding_1: () = ::keras::rt::assert_node(
        &Reader::EMBEDDING_1_PLAN,
        1,
        "`Embedding` (layer `embedding_1`)",
    );
    const flatten: () = ::keras::rt::assert_node(&Reader::FLATTEN_PLAN, 1, "`Flatten`");
    const concatenate: () = ::keras::rt::assert_node(
        &Reader::CONCATENATE_PLAN,
        1,
        "`concat`",
    );
    const dense: () = ::keras::rt::assert_node(&Reader::DENSE_PLAN, 1, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Reader::DENSE_PLAN, 0),
        &Reader::OUTPUT,
        "the output of `Reader`",
    );
};
