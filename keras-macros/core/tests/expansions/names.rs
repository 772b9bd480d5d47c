///From `[28, 28, 1]` to `[10]`.
struct Named;
///The layers of [`Named`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct NamedLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <Conv2D as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <Conv2D as ::keras::rt::IsLayer>::Layer;
    type __Layer2 = <Conv2D as ::keras::rt::IsLayer>::Layer;
    type __Layer3 = <Flatten as ::keras::rt::IsLayer>::Layer;
    type __Layer4 = <Dense as ::keras::rt::IsLayer>::Layer;
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
            .plan(&[::keras::rt::output(&Self::STEM_PLAN, 0)]);
        const CONV2D_PLAN: ::keras::rt::PlanResult = Self::CONV2D
            .plan(&[::keras::rt::output(&Self::BLOCK_1_CONV_PLAN, 0)]);
        const FLATTEN_PLAN: ::keras::rt::PlanResult = Self::FLATTEN
            .plan(&[::keras::rt::output(&Self::CONV2D_PLAN, 0)]);
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::FLATTEN_PLAN, 0)]);
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[
                &Self::STEM_PLAN,
                &Self::BLOCK_1_CONV_PLAN,
                &Self::CONV2D_PLAN,
                &Self::FLATTEN_PLAN,
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
    impl ::keras::rt::Architecture for Named {
        type Input = ::keras::model::Batch<::keras::model::D3<28, 28, 1>>;
        type Output = ::keras::model::Batch<::keras::model::D1<10>>;
        type Layers = NamedLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "named",
            sequential: true,
            inputs: &[::keras::rt::InputSpec::new("input_layer", Self::INPUT)],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "dense",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(4),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("stem", &Self::STEM),
                ::keras::rt::LayerSpec::new("block-1.conv", &Self::BLOCK_1_CONV),
                ::keras::rt::LayerSpec::new("conv2d", &Self::CONV2D),
                ::keras::rt::LayerSpec::new("flatten", &Self::FLATTEN),
                ::keras::rt::LayerSpec::new("dense", &Self::DENSE),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::Input(0)],
                    &Self::STEM_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::node(0)],
                    &Self::BLOCK_1_CONV_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    2,
                    &[::keras::rt::Source::node(1)],
                    &Self::CONV2D_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    3,
                    &[::keras::rt::Source::node(2)],
                    &Self::FLATTEN_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    4,
                    &[::keras::rt::Source::node(3)],
                    &Self::DENSE_PLAN,
                ),
            ],
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
        type Weights<__N> = NamedLayers<__N>;
        const IS_MODEL: bool = true;
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
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Named::STEM_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(
        ::keras::rt::output(& Named::BLOCK_1_CONV_PLAN, 0)
    );
    type __Dims3 = ::keras::rt::dims!(::keras::rt::output(& Named::CONV2D_PLAN, 0));
    type __Dims4 = ::keras::rt::dims!(::keras::rt::output(& Named::FLATTEN_PLAN, 0));
    type __Dims5 = ::keras::rt::dims!(::keras::rt::output(& Named::DENSE_PLAN, 0));
    impl<__N: ::keras::rt::Reads> NamedLayers<__N> {
        ///The layer `stem`: `Conv2D`.
        pub fn stem(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Named>(&self.0, &Named::STEM, 0)
        }
        ///The layer `stem`, to change its weights.
        pub fn stem_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Named>(&mut self.0, &Named::STEM, 0)
        }
        ///The layer `block-1.conv`: `Conv2D`.
        pub fn block_1_conv(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims1, __Dims2> {
            ::keras::rt::LayerRef::of::<Named>(&self.0, &Named::BLOCK_1_CONV, 1)
        }
        ///The layer `block-1.conv`, to change its weights.
        pub fn block_1_conv_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims1, __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Named>(&mut self.0, &Named::BLOCK_1_CONV, 1)
        }
        ///The layer `conv2d`: `Conv2D`.
        pub fn conv2d(&self) -> ::keras::rt::LayerRef<'_, __Layer2, __Dims2, __Dims3> {
            ::keras::rt::LayerRef::of::<Named>(&self.0, &Named::CONV2D, 2)
        }
        ///The layer `conv2d`, to change its weights.
        pub fn conv2d_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer2, __Dims2, __Dims3>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Named>(&mut self.0, &Named::CONV2D, 2)
        }
        ///The layer `flatten`: `Flatten`.
        pub fn flatten(&self) -> ::keras::rt::LayerRef<'_, __Layer3, __Dims3, __Dims4> {
            ::keras::rt::LayerRef::of::<Named>(&self.0, &Named::FLATTEN, 3)
        }
        ///The layer `flatten`, to change its weights.
        pub fn flatten_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer3, __Dims3, __Dims4>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Named>(&mut self.0, &Named::FLATTEN, 3)
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer4, __Dims4, __Dims5> {
            ::keras::rt::LayerRef::of::<Named>(&self.0, &Named::DENSE, 4)
        }
        ///The layer `dense`, to change its weights.
        pub fn dense_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer4, __Dims4, __Dims5>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Named>(&mut self.0, &Named::DENSE, 4)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for NamedLayers<__N> {
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
    const input__: () = ::keras::rt::assert_input(&Named::INPUT, "the input of `Named`");
    const stem: () = ::keras::rt::assert_node(
        &Named::STEM_PLAN,
        1,
        "`Conv2D` (layer `stem`)",
    );
    const block_1_conv: () = ::keras::rt::assert_node(
        &Named::BLOCK_1_CONV_PLAN,
        1,
        "`Conv2D` (layer `block-1.conv`)",
    );
    const conv2d: () = ::keras::rt::assert_node(&Named::CONV2D_PLAN, 1, "`Conv2D`");
    const flatten: () = ::keras::rt::assert_node(&Named::FLATTEN_PLAN, 1, "`Flatten`");
    const dense: () = ::keras::rt::assert_node(&Named::DENSE_PLAN, 1, "`Dense`");
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Named::DENSE_PLAN, 0),
        &Named::OUTPUT,
        "the output of `Named`",
    );
};
