///From `x: [6, 8]` to `[6, 4]`.
struct Twin;
///The layers of [`Twin`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct TwinLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <Tower as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <Dense as ::keras::rt::IsLayer>::Layer;
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
            .plan(&[::keras::rt::output(&Self::TOWER_PLAN, 0)]);
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[&Self::TOWER_PLAN, &Self::DENSE_PLAN],
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
    impl ::keras::rt::Architecture for Twin {
        type Input = ::keras::model::Batch<::keras::model::D2<6, 8>>;
        type Output = ::keras::model::Batch<::keras::model::D2<6, 4>>;
        type Layers = TwinLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "twin",
            sequential: false,
            inputs: &[::keras::rt::InputSpec::new("x", Self::INPUT_X)],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "dense",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(1),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("tower", &Self::TOWER).trainable(false),
                ::keras::rt::LayerSpec::new("dense", &Self::DENSE)
                    .activity_regularizer({
                        use ::keras::symbols::*;
                        L1(0.1)
                    }),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::Input(0)],
                    &Self::TOWER_PLAN,
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
        type Weights<__N> = TwinLayers<__N>;
        const IS_MODEL: bool = true;
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
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Twin::TOWER_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(::keras::rt::output(& Twin::DENSE_PLAN, 0));
    impl<__N: ::keras::rt::Reads> TwinLayers<__N> {
        ///The layer `tower`: `Tower`.
        pub fn tower(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Twin>(&self.0, &Twin::TOWER, 0)
        }
        ///The layer `tower`, to change its weights.
        pub fn tower_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Twin>(&mut self.0, &Twin::TOWER, 0)
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            ::keras::rt::LayerRef::of::<Twin>(&self.0, &Twin::DENSE, 1)
        }
        ///The layer `dense`, to change its weights.
        pub fn dense_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims1, __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Twin>(&mut self.0, &Twin::DENSE, 1)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for TwinLayers<__N> {
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
        &Twin::INPUT_X,
        "the input `x` of `Twin`",
    );
    const tower: () = ::keras::rt::assert_node(&Twin::TOWER_PLAN, 1, "`Tower`");
    const dense: () = ::keras::rt::assert_node(&Twin::DENSE_PLAN, 1, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Twin::DENSE_PLAN, 0),
        &Twin::OUTPUT,
        "the output of `Twin`",
    );
};
