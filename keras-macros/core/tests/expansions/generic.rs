///From `[784]` to `[OUT]`.
pub struct Wide<const HIDDEN: usize = 64, const OUT: usize = 10>;
///The layers of [`Wide`], by name.
#[allow(missing_debug_implementations, dead_code)]
pub struct WideLayers<
    const HIDDEN: usize = 64,
    const OUT: usize = 10,
    __N = ::keras::rt::Network,
>(
    ::keras::rt::Place<__N>,
);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer1<const HIDDEN: usize, const OUT: usize> = <Proj<
        OUT,
    > as ::keras::rt::IsLayer>::Layer;
    impl<const HIDDEN: usize, const OUT: usize> Wide<HIDDEN, OUT> {
        const INPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[784]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[OUT]);
        const DENSE: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(HIDDEN * 2).activation(relu)
        };
        const PROJ: __Layer1<HIDDEN, OUT> = {
            use ::keras::symbols::*;
            __Layer1::<HIDDEN, OUT>::new()
        };
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE.plan(&[Self::INPUT]);
        const PROJ_PLAN: ::keras::rt::PlanResult = Self::PROJ
            .plan(&[::keras::rt::output(&Self::DENSE_PLAN, 0)]);
        const CHECK: () = {
            ::keras::rt::assert_input(&Self::INPUT, "the input of `Wide`");
            ::keras::rt::assert_node(&Self::DENSE_PLAN, 1, "`Dense`");
            ::keras::rt::assert_node(&Self::PROJ_PLAN, 1, "`Proj`");
            ::keras::rt::assert_output(
                &::keras::rt::output(&Self::PROJ_PLAN, 0),
                &Self::OUTPUT,
                "the output of `Wide`",
            );
        };
        /// Trainable numbers.
        pub const PARAMS: usize = {
            let () = Self::CHECK;
            ::keras::rt::params(&[&Self::DENSE_PLAN, &Self::PROJ_PLAN])
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
    impl<const HIDDEN: usize, const OUT: usize> ::keras::rt::Architecture
    for Wide<HIDDEN, OUT> {
        type Input = ::keras::model::Batch<::keras::model::D1<784>>;
        type Output = ::keras::model::Batch<::keras::model::D1<OUT>>;
        type Layers = WideLayers<HIDDEN, OUT, ::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = {
            let () = Self::CHECK;
            &::keras::rt::GraphSpec {
                name: "wide",
                sequential: true,
                inputs: &[::keras::rt::InputSpec::new("input_layer", Self::INPUT)],
                outputs: &[
                    ::keras::rt::OutputSpec::new(
                        "proj",
                        Self::OUTPUT,
                        ::keras::rt::Source::node(1),
                    ),
                ],
                layers: &[
                    ::keras::rt::LayerSpec::new("dense", &Self::DENSE),
                    ::keras::rt::LayerSpec::new("proj", &Self::PROJ),
                ],
                nodes: &[
                    ::keras::rt::NodeSpec::new(
                        0,
                        &[::keras::rt::Source::Input(0)],
                        &Self::DENSE_PLAN,
                    ),
                    ::keras::rt::NodeSpec::new(
                        1,
                        &[::keras::rt::Source::node(0)],
                        &Self::PROJ_PLAN,
                    ),
                ],
            }
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::DENSE, at);
            let at = run.step(&Self::PROJ, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::PROJ, at);
            let at = run.back(&Self::DENSE, at);
            at
        }
    }
    impl<const HIDDEN: usize, const OUT: usize> Wide<HIDDEN, OUT> {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Wide
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
    impl<const HIDDEN: usize, const OUT: usize> ::keras::rt::Weighted
    for Wide<HIDDEN, OUT> {
        type Weights<__N> = WideLayers<HIDDEN, OUT, __N>;
        const IS_MODEL: bool = true;
    }
    #[automatically_derived]
    impl<const HIDDEN: usize, const OUT: usize> ::keras::rt::Configure
    for Wide<HIDDEN, OUT> {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl<const HIDDEN: usize, const OUT: usize> ::keras::rt::Layer
    for Wide<HIDDEN, OUT> {
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
    impl<
        const HIDDEN: usize,
        const OUT: usize,
        __N: ::keras::rt::Reads,
    > WideLayers<HIDDEN, OUT, __N> {
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer0, (), ()> {
            ::keras::rt::LayerRef::of::<
                Wide<HIDDEN, OUT>,
            >(&self.0, &Wide::<HIDDEN, OUT>::DENSE, 0)
        }
        ///The layer `dense`, to change its weights.
        pub fn dense_mut(&mut self) -> ::keras::rt::LayerMut<'_, __Layer0, (), ()>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<
                Wide<HIDDEN, OUT>,
            >(&mut self.0, &Wide::<HIDDEN, OUT>::DENSE, 0)
        }
        ///The layer `proj`: `Proj`.
        pub fn proj(&self) -> ::keras::rt::LayerRef<'_, __Layer1<HIDDEN, OUT>, (), ()> {
            ::keras::rt::LayerRef::of::<
                Wide<HIDDEN, OUT>,
            >(&self.0, &Wide::<HIDDEN, OUT>::PROJ, 1)
        }
        ///The layer `proj`, to change its weights.
        pub fn proj_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1<HIDDEN, OUT>, (), ()>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<
                Wide<HIDDEN, OUT>,
            >(&mut self.0, &Wide::<HIDDEN, OUT>::PROJ, 1)
        }
    }
    #[automatically_derived]
    impl<const HIDDEN: usize, const OUT: usize, __N> ::keras::rt::Access<__N>
    for WideLayers<HIDDEN, OUT, __N> {
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
    const input__: () = ::keras::rt::assert_input(&<Wide>::INPUT, "the input of `Wide`");
    const dense: () = ::keras::rt::assert_node(&<Wide>::DENSE_PLAN, 1, "`Dense`");
    const proj: () = ::keras::rt::assert_node(&<Wide>::PROJ_PLAN, 1, "`Proj`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&<Wide>::PROJ_PLAN, 0),
        &<Wide>::OUTPUT,
        "the output of `Wide`",
    );
};
