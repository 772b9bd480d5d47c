/// A classifier.
#[derive(Debug, Clone, Copy)]
///
///From `[8, 8]` to `[CLASSES]`.
pub(crate) struct Digits;
///The layers of [`Digits`], by name.
#[allow(missing_debug_implementations, dead_code)]
pub(crate) struct DigitsLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <Flatten as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <Dense as ::keras::rt::IsLayer>::Layer;
    impl Digits {
        const INPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[8, 8]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[CLASSES]);
        const FLATTEN: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new()
        };
        const DENSE: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new(CLASSES)
        };
        const FLATTEN_PLAN: ::keras::rt::PlanResult = Self::FLATTEN.plan(&[Self::INPUT]);
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::FLATTEN_PLAN, 0)]);
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[&Self::FLATTEN_PLAN, &Self::DENSE_PLAN],
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
    impl ::keras::rt::Architecture for Digits {
        type Input = ::keras::model::Batch<::keras::model::D2<8, 8>>;
        type Output = ::keras::model::Batch<::keras::model::D1<CLASSES>>;
        type Layers = DigitsLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "digits",
            sequential: true,
            inputs: &[::keras::rt::InputSpec::new("input_layer", Self::INPUT)],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "dense",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(1),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("flatten", &Self::FLATTEN),
                ::keras::rt::LayerSpec::new("dense", &Self::DENSE)
                    .trainable(false)
                    .activity_regularizer({
                        use ::keras::symbols::*;
                        L2(0.01)
                    }),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::Input(0)],
                    &Self::FLATTEN_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::node(0)],
                    &Self::DENSE_PLAN,
                ),
            ],
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::FLATTEN, at);
            let at = run.step(&Self::DENSE, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::DENSE, at);
            let at = run.back(&Self::FLATTEN, at);
            at
        }
    }
    impl Digits {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Digits
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
    impl ::keras::rt::Weighted for Digits {
        type Weights<__N> = DigitsLayers<__N>;
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Digits {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Digits {
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
    type __Dims0 = ::keras::rt::dims!(Digits::INPUT);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Digits::FLATTEN_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(::keras::rt::output(& Digits::DENSE_PLAN, 0));
    impl<__N: ::keras::rt::Reads> DigitsLayers<__N> {
        ///The layer `flatten`: `Flatten`.
        pub fn flatten(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Digits>(&self.0, &Digits::FLATTEN, 0)
        }
        ///The layer `flatten`, to change its weights.
        pub fn flatten_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Digits>(&mut self.0, &Digits::FLATTEN, 0)
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            ::keras::rt::LayerRef::of::<Digits>(&self.0, &Digits::DENSE, 1)
        }
        ///The layer `dense`, to change its weights.
        pub fn dense_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims1, __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Digits>(&mut self.0, &Digits::DENSE, 1)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for DigitsLayers<__N> {
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
        &Digits::INPUT,
        "the input of `Digits`",
    );
    const flatten: () = ::keras::rt::assert_node(&Digits::FLATTEN_PLAN, 1, "`Flatten`");
    const dense: () = ::keras::rt::assert_node(&Digits::DENSE_PLAN, 1, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Digits::DENSE_PLAN, 0),
        &Digits::OUTPUT,
        "the output of `Digits`",
    );
};
