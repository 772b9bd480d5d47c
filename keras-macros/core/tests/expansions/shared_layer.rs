///From `left: [28, 28, 1]`, `right: [28, 28, 1]` to `[1]`.
pub(crate) struct Siamese;
///The layers of [`Siamese`], by name.
#[allow(missing_debug_implementations, dead_code)]
pub(crate) struct SiameseLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <Conv2D as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <Flatten as ::keras::rt::IsLayer>::Layer;
    type __Layer2 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer3 = <::keras::layers::Subtract as ::keras::rt::IsLayer>::Layer;
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
            .plan(&[::keras::rt::output(&Self::CONV2D_PLAN, 0)]);
        const CONV2D_PLAN_2: ::keras::rt::PlanResult = ::keras::rt::shared_plan(
            &Self::CONV2D_PLAN,
            Self::CONV2D.plan(&[Self::INPUT_RIGHT]),
        );
        const FLATTEN_PLAN_2: ::keras::rt::PlanResult = ::keras::rt::shared_plan(
            &Self::FLATTEN_PLAN,
            Self::FLATTEN.plan(&[::keras::rt::output(&Self::CONV2D_PLAN_2, 0)]),
        );
        const SUBTRACT_PLAN: ::keras::rt::PlanResult = Self::SUBTRACT
            .plan(
                &[
                    ::keras::rt::output(&Self::FLATTEN_PLAN, 0),
                    ::keras::rt::output(&Self::FLATTEN_PLAN_2, 0),
                ],
            );
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::SUBTRACT_PLAN, 0)]);
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[
                &Self::CONV2D_PLAN,
                &Self::FLATTEN_PLAN,
                &Self::SUBTRACT_PLAN,
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
    impl ::keras::rt::Architecture for Siamese {
        type Input = (
            ::keras::model::Batch<::keras::model::D3<28, 28, 1>>,
            ::keras::model::Batch<::keras::model::D3<28, 28, 1>>,
        );
        type Output = ::keras::model::Batch<::keras::model::D1<1>>;
        type Layers = SiameseLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "siamese",
            sequential: false,
            inputs: &[
                ::keras::rt::InputSpec::new("left", Self::INPUT_LEFT),
                ::keras::rt::InputSpec::new("right", Self::INPUT_RIGHT),
            ],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "dense",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(5),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("conv2d", &Self::CONV2D),
                ::keras::rt::LayerSpec::new("flatten", &Self::FLATTEN),
                ::keras::rt::LayerSpec::new("dense", &Self::DENSE),
                ::keras::rt::LayerSpec::new("subtract", &Self::SUBTRACT),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::Input(0)],
                    &Self::CONV2D_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::node(0)],
                    &Self::FLATTEN_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::Input(1)],
                    &Self::CONV2D_PLAN_2,
                ),
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::node(2)],
                    &Self::FLATTEN_PLAN_2,
                ),
                ::keras::rt::NodeSpec::new(
                    3,
                    &[::keras::rt::Source::node(1), ::keras::rt::Source::node(3)],
                    &Self::SUBTRACT_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    2,
                    &[::keras::rt::Source::node(4)],
                    &Self::DENSE_PLAN,
                ),
            ],
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
        type Weights<__N> = SiameseLayers<__N>;
        const IS_MODEL: bool = true;
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
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Siamese::CONV2D_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(::keras::rt::output(& Siamese::FLATTEN_PLAN, 0));
    type __Dims3 = ::keras::rt::dims!(::keras::rt::output(& Siamese::FLATTEN_PLAN_2, 0));
    type __Dims4 = ::keras::rt::dims!(::keras::rt::output(& Siamese::SUBTRACT_PLAN, 0));
    type __Dims5 = ::keras::rt::dims!(::keras::rt::output(& Siamese::DENSE_PLAN, 0));
    impl<__N: ::keras::rt::Reads> SiameseLayers<__N> {
        ///The layer `conv2d`: `Conv2D`.
        pub fn conv2d(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Siamese>(&self.0, &Siamese::CONV2D, 0)
        }
        ///The layer `conv2d`, to change its weights.
        pub fn conv2d_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Siamese>(&mut self.0, &Siamese::CONV2D, 0)
        }
        ///The layer `flatten`: `Flatten`.
        pub fn flatten(&self) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            ::keras::rt::LayerRef::of::<Siamese>(&self.0, &Siamese::FLATTEN, 1)
        }
        ///The layer `flatten`, to change its weights.
        pub fn flatten_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims1, __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Siamese>(&mut self.0, &Siamese::FLATTEN, 1)
        }
        ///The layer `subtract`: `subtract`.
        pub fn subtract(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer3, (__Dims2, __Dims3), __Dims4> {
            ::keras::rt::LayerRef::of::<Siamese>(&self.0, &Siamese::SUBTRACT, 3)
        }
        ///The layer `subtract`, to change its weights.
        pub fn subtract_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer3, (__Dims2, __Dims3), __Dims4>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Siamese>(&mut self.0, &Siamese::SUBTRACT, 3)
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer2, __Dims4, __Dims5> {
            ::keras::rt::LayerRef::of::<Siamese>(&self.0, &Siamese::DENSE, 2)
        }
        ///The layer `dense`, to change its weights.
        pub fn dense_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer2, __Dims4, __Dims5>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Siamese>(&mut self.0, &Siamese::DENSE, 2)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for SiameseLayers<__N> {
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
    const input_left__: () = ::keras::rt::assert_input(
        &Siamese::INPUT_LEFT,
        "the input `left` of `Siamese`",
    );
    const input_right__: () = ::keras::rt::assert_input(
        &Siamese::INPUT_RIGHT,
        "the input `right` of `Siamese`",
    );
    const conv2d: () = ::keras::rt::assert_node(&Siamese::CONV2D_PLAN, 1, "`Conv2D`");
    const flatten: () = ::keras::rt::assert_node(&Siamese::FLATTEN_PLAN, 1, "`Flatten`");
    const conv2d__2: () = ::keras::rt::assert_node(
        &Siamese::CONV2D_PLAN_2,
        1,
        "`Conv2D`",
    );
    const flatten__2: () = ::keras::rt::assert_node(
        &Siamese::FLATTEN_PLAN_2,
        1,
        "`Flatten`",
    );
    const subtract: () = ::keras::rt::assert_node(
        &Siamese::SUBTRACT_PLAN,
        1,
        "`subtract`",
    );
    const dense: () = ::keras::rt::assert_node(&Siamese::DENSE_PLAN, 1, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Siamese::DENSE_PLAN, 0),
        &Siamese::OUTPUT,
        "the output of `Siamese`",
    );
};
