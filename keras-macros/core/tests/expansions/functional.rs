///From `x: [32]` to `[10]`.
struct Net;
///The layers of [`Net`], by name.
#[allow(missing_debug_implementations, dead_code)]
struct NetLayers<__N = ::keras::rt::Network>(::keras::rt::Place<__N>);
#[doc(hidden)]
#[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
const _: () = {
    type __Layer0 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer1 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer2 = <::keras::rt::Operation as ::keras::rt::IsLayer>::Layer;
    type __Layer3 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer4 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer5 = <::keras::rt::Operation as ::keras::rt::IsLayer>::Layer;
    type __Layer6 = <Dense as ::keras::rt::IsLayer>::Layer;
    type __Layer7 = <::keras::rt::Operation as ::keras::rt::IsLayer>::Layer;
    type __Layer8 = <::keras::layers::Concatenate as ::keras::rt::IsLayer>::Layer;
    impl Net {
        const INPUT_X: ::keras::rt::Spec = ::keras::rt::Spec::of(&[32]);
        const OUTPUT: ::keras::rt::Spec = ::keras::rt::Spec::of(&[10]);
        const DENSE: __Layer0 = {
            use ::keras::symbols::*;
            __Layer0::new(32)
        };
        const DENSE_1: __Layer1 = {
            use ::keras::symbols::*;
            __Layer1::new((64 * (0 + 1))).activation(relu)
        };
        const ADD: __Layer2 = {
            use ::keras::symbols::*;
            __Layer2::new(
                "Add",
                2,
                &[::keras::rt::Argument::Tensor(0), ::keras::rt::Argument::Tensor(1)],
                &[],
            )
        };
        const DENSE_2: __Layer3 = {
            use ::keras::symbols::*;
            __Layer3::new(32)
        };
        const DENSE_3: __Layer4 = {
            use ::keras::symbols::*;
            __Layer4::new((64 * (1 + 1))).activation(relu)
        };
        const ADD_1: __Layer5 = {
            use ::keras::symbols::*;
            __Layer5::new(
                "Add",
                2,
                &[::keras::rt::Argument::Tensor(0), ::keras::rt::Argument::Tensor(1)],
                &[],
            )
        };
        const DENSE_4: __Layer6 = {
            use ::keras::symbols::*;
            __Layer6::new(10)
        };
        const MULTIPLY: __Layer7 = {
            use ::keras::symbols::*;
            __Layer7::new(
                "Multiply",
                1,
                &[::keras::rt::Argument::Tensor(0), ::keras::rt::Argument::number(0.5)],
                &[],
            )
        };
        const CONCATENATE: __Layer8 = {
            use ::keras::symbols::*;
            __Layer8::new().axis(1)
        };
        const DENSE_1_PLAN: ::keras::rt::PlanResult = Self::DENSE_1
            .plan(&[Self::INPUT_X]);
        const DENSE_PLAN: ::keras::rt::PlanResult = Self::DENSE
            .plan(&[::keras::rt::output(&Self::DENSE_1_PLAN, 0)]);
        const ADD_PLAN: ::keras::rt::PlanResult = Self::ADD
            .plan(&[Self::INPUT_X, ::keras::rt::output(&Self::DENSE_PLAN, 0)]);
        const DENSE_3_PLAN: ::keras::rt::PlanResult = Self::DENSE_3
            .plan(&[::keras::rt::output(&Self::ADD_PLAN, 0)]);
        const DENSE_2_PLAN: ::keras::rt::PlanResult = Self::DENSE_2
            .plan(&[::keras::rt::output(&Self::DENSE_3_PLAN, 0)]);
        const ADD_1_PLAN: ::keras::rt::PlanResult = Self::ADD_1
            .plan(
                &[
                    ::keras::rt::output(&Self::ADD_PLAN, 0),
                    ::keras::rt::output(&Self::DENSE_2_PLAN, 0),
                ],
            );
        const MULTIPLY_PLAN: ::keras::rt::PlanResult = Self::MULTIPLY
            .plan(&[Self::INPUT_X]);
        const CONCATENATE_PLAN: ::keras::rt::PlanResult = Self::CONCATENATE
            .plan(
                &[
                    ::keras::rt::output(&Self::ADD_1_PLAN, 0),
                    ::keras::rt::output(&Self::MULTIPLY_PLAN, 0),
                ],
            );
        const DENSE_4_PLAN: ::keras::rt::PlanResult = Self::DENSE_4
            .plan(&[::keras::rt::output(&Self::CONCATENATE_PLAN, 0)]);
        /// Trainable numbers.
        pub const PARAMS: usize = ::keras::rt::params(
            &[
                &Self::DENSE_1_PLAN,
                &Self::DENSE_PLAN,
                &Self::ADD_PLAN,
                &Self::DENSE_3_PLAN,
                &Self::DENSE_2_PLAN,
                &Self::ADD_1_PLAN,
                &Self::MULTIPLY_PLAN,
                &Self::CONCATENATE_PLAN,
                &Self::DENSE_4_PLAN,
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
    impl ::keras::rt::Architecture for Net {
        type Input = ::keras::model::Batch<::keras::model::D1<32>>;
        type Output = ::keras::model::Batch<::keras::model::D1<10>>;
        type Layers = NetLayers<::keras::rt::Network>;
        const GRAPH: &'static ::keras::rt::GraphSpec = &::keras::rt::GraphSpec {
            name: "net",
            sequential: false,
            inputs: &[::keras::rt::InputSpec::new("x", Self::INPUT_X)],
            outputs: &[
                ::keras::rt::OutputSpec::new(
                    "dense_4",
                    Self::OUTPUT,
                    ::keras::rt::Source::node(8),
                ),
            ],
            layers: &[
                ::keras::rt::LayerSpec::new("dense", &Self::DENSE),
                ::keras::rt::LayerSpec::new("dense_1", &Self::DENSE_1),
                ::keras::rt::LayerSpec::new("add", &Self::ADD),
                ::keras::rt::LayerSpec::new("dense_2", &Self::DENSE_2),
                ::keras::rt::LayerSpec::new("dense_3", &Self::DENSE_3),
                ::keras::rt::LayerSpec::new("add_1", &Self::ADD_1),
                ::keras::rt::LayerSpec::new("dense_4", &Self::DENSE_4),
                ::keras::rt::LayerSpec::new("multiply", &Self::MULTIPLY),
                ::keras::rt::LayerSpec::new("concatenate", &Self::CONCATENATE),
            ],
            nodes: &[
                ::keras::rt::NodeSpec::new(
                    1,
                    &[::keras::rt::Source::Input(0)],
                    &Self::DENSE_1_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    0,
                    &[::keras::rt::Source::node(0)],
                    &Self::DENSE_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    2,
                    &[::keras::rt::Source::Input(0), ::keras::rt::Source::node(1)],
                    &Self::ADD_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    4,
                    &[::keras::rt::Source::node(2)],
                    &Self::DENSE_3_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    3,
                    &[::keras::rt::Source::node(3)],
                    &Self::DENSE_2_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    5,
                    &[::keras::rt::Source::node(2), ::keras::rt::Source::node(4)],
                    &Self::ADD_1_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    7,
                    &[::keras::rt::Source::Input(0)],
                    &Self::MULTIPLY_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    8,
                    &[::keras::rt::Source::node(5), ::keras::rt::Source::node(6)],
                    &Self::CONCATENATE_PLAN,
                ),
                ::keras::rt::NodeSpec::new(
                    6,
                    &[::keras::rt::Source::node(7)],
                    &Self::DENSE_4_PLAN,
                ),
            ],
        };
        const PARAMS: usize = Self::PARAMS;
        const PEAK: usize = Self::PEAK;
        const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
        fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.step(&Self::DENSE_1, at);
            let at = run.step(&Self::DENSE, at);
            let at = run.step(&Self::ADD, at);
            let at = run.step(&Self::DENSE_3, at);
            let at = run.step(&Self::DENSE_2, at);
            let at = run.step(&Self::ADD_1, at);
            let at = run.step(&Self::MULTIPLY, at);
            let at = run.step(&Self::CONCATENATE, at);
            let at = run.step(&Self::DENSE_4, at);
            at
        }
        fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize {
            let at = run.back(&Self::DENSE_4, at);
            let at = run.back(&Self::CONCATENATE, at);
            let at = run.back(&Self::MULTIPLY, at);
            let at = run.back(&Self::ADD_1, at);
            let at = run.back(&Self::DENSE_2, at);
            let at = run.back(&Self::DENSE_3, at);
            let at = run.back(&Self::ADD, at);
            let at = run.back(&Self::DENSE, at);
            let at = run.back(&Self::DENSE_1, at);
            at
        }
    }
    impl Net {
        /// The model as a layer of another one.
        #[must_use]
        pub const fn new() -> Self {
            Net
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
    impl ::keras::rt::Weighted for Net {
        type Weights<__N> = NetLayers<__N>;
        const IS_MODEL: bool = true;
    }
    #[automatically_derived]
    impl ::keras::rt::Configure for Net {
        fn class_name(&self) -> &'static str {
            ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
        }
        fn config(&self) -> ::keras::rt::Config {
            ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
        }
    }
    #[automatically_derived]
    impl ::keras::rt::Layer for Net {
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
    type __Dims0 = ::keras::rt::dims!(Net::INPUT_X);
    type __Dims1 = ::keras::rt::dims!(::keras::rt::output(& Net::DENSE_1_PLAN, 0));
    type __Dims2 = ::keras::rt::dims!(::keras::rt::output(& Net::DENSE_PLAN, 0));
    type __Dims3 = ::keras::rt::dims!(::keras::rt::output(& Net::ADD_PLAN, 0));
    type __Dims4 = ::keras::rt::dims!(::keras::rt::output(& Net::DENSE_3_PLAN, 0));
    type __Dims5 = ::keras::rt::dims!(::keras::rt::output(& Net::DENSE_2_PLAN, 0));
    type __Dims6 = ::keras::rt::dims!(::keras::rt::output(& Net::ADD_1_PLAN, 0));
    type __Dims7 = ::keras::rt::dims!(::keras::rt::output(& Net::MULTIPLY_PLAN, 0));
    type __Dims8 = ::keras::rt::dims!(::keras::rt::output(& Net::CONCATENATE_PLAN, 0));
    type __Dims9 = ::keras::rt::dims!(::keras::rt::output(& Net::DENSE_4_PLAN, 0));
    impl<__N: ::keras::rt::Reads> NetLayers<__N> {
        ///The layer `dense_1`: `Dense`.
        pub fn dense_1(&self) -> ::keras::rt::LayerRef<'_, __Layer1, __Dims0, __Dims1> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::DENSE_1, 1)
        }
        ///The layer `dense_1`, to change its weights.
        pub fn dense_1_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer1, __Dims0, __Dims1>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::DENSE_1, 1)
        }
        ///The layer `dense`: `Dense`.
        pub fn dense(&self) -> ::keras::rt::LayerRef<'_, __Layer0, __Dims1, __Dims2> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::DENSE, 0)
        }
        ///The layer `dense`, to change its weights.
        pub fn dense_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer0, __Dims1, __Dims2>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::DENSE, 0)
        }
        ///The layer `add`: `+`.
        pub fn add(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer2, (__Dims0, __Dims2), __Dims3> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::ADD, 2)
        }
        ///The layer `add`, to change its weights.
        pub fn add_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer2, (__Dims0, __Dims2), __Dims3>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::ADD, 2)
        }
        ///The layer `dense_3`: `Dense`.
        pub fn dense_3(&self) -> ::keras::rt::LayerRef<'_, __Layer4, __Dims3, __Dims4> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::DENSE_3, 4)
        }
        ///The layer `dense_3`, to change its weights.
        pub fn dense_3_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer4, __Dims3, __Dims4>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::DENSE_3, 4)
        }
        ///The layer `dense_2`: `Dense`.
        pub fn dense_2(&self) -> ::keras::rt::LayerRef<'_, __Layer3, __Dims4, __Dims5> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::DENSE_2, 3)
        }
        ///The layer `dense_2`, to change its weights.
        pub fn dense_2_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer3, __Dims4, __Dims5>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::DENSE_2, 3)
        }
        ///The layer `add_1`: `+`.
        pub fn add_1(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer5, (__Dims3, __Dims5), __Dims6> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::ADD_1, 5)
        }
        ///The layer `add_1`, to change its weights.
        pub fn add_1_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer5, (__Dims3, __Dims5), __Dims6>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::ADD_1, 5)
        }
        ///The layer `multiply`: `*`.
        pub fn multiply(&self) -> ::keras::rt::LayerRef<'_, __Layer7, __Dims0, __Dims7> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::MULTIPLY, 7)
        }
        ///The layer `multiply`, to change its weights.
        pub fn multiply_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer7, __Dims0, __Dims7>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::MULTIPLY, 7)
        }
        ///The layer `concatenate`: `concat`.
        pub fn concatenate(
            &self,
        ) -> ::keras::rt::LayerRef<'_, __Layer8, (__Dims6, __Dims7), __Dims8> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::CONCATENATE, 8)
        }
        ///The layer `concatenate`, to change its weights.
        pub fn concatenate_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer8, (__Dims6, __Dims7), __Dims8>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::CONCATENATE, 8)
        }
        ///The layer `dense_4`: `Dense`.
        pub fn dense_4(&self) -> ::keras::rt::LayerRef<'_, __Layer6, __Dims8, __Dims9> {
            ::keras::rt::LayerRef::of::<Net>(&self.0, &Net::DENSE_4, 6)
        }
        ///The layer `dense_4`, to change its weights.
        pub fn dense_4_mut(
            &mut self,
        ) -> ::keras::rt::LayerMut<'_, __Layer6, __Dims8, __Dims9>
        where
            __N: ::keras::rt::Writes,
        {
            ::keras::rt::LayerMut::of::<Net>(&mut self.0, &Net::DENSE_4, 6)
        }
    }
    #[automatically_derived]
    impl<__N> ::keras::rt::Access<__N> for NetLayers<__N> {
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
        &Net::INPUT_X,
        "the input `x` of `Net`",
    );
    const dense_1: () = ::keras::rt::assert_node(
        &Net::DENSE_1_PLAN,
        1,
        "`Dense` (layer `dense_1`)",
    );
    const dense: () = ::keras::rt::assert_node(&Net::DENSE_PLAN, 1, "`Dense`");
    const add: () = ::keras::rt::assert_node(&Net::ADD_PLAN, 1, "`+`");
    const dense_3: () = ::keras::rt::assert_node(
        &Net::DENSE_3_PLAN,
        1,
        "`Dense` (layer `dense_3`)",
    );
    const dense_2: () = ::keras::rt::assert_node(
        &Net::DENSE_2_PLAN,
        1,
        "`Dense` (layer `dense_2`)",
    );
    const add_1: () = ::keras::rt::assert_node(
        &Net::ADD_1_PLAN,
        1,
        "`+` (layer `add_1`)",
    );
    const multiply: () = ::keras::rt::assert_node(&Net::MULTIPLY_PLAN, 1, "`*`");
    const concatenate: () = ::keras::rt::assert_node(
        &Net::CONCATENATE_PLAN,
        1,
        "`concat`",
    );
    const dense_4: () = ::keras::rt::assert_node(
        &Net::DENSE_4_PLAN,
        1,
        "`Dense` (layer `dense_4`)",
    );
    const output__0: () = ::keras::rt::assert_output(
        &::keras::rt::output(&Net::DENSE_4_PLAN, 0),
        &Net::OUTPUT,
        "the output of `Net`",
    );
};
