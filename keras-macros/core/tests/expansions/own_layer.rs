#[allow(dead_code)]
impl Gated {
    #[doc(hidden)]
    #[allow(non_upper_case_globals)]
    const __default_residual: bool = true;
    ///A `Gated` with its options at their defaults.
    #[must_use]
    pub const fn new(units: usize) -> Self {
        Gated {
            units: units,
            residual: Self::__default_residual,
            gate: ::keras::Weight::MARKER,
        }
    }
    ///Sets the option `residual`.
    #[must_use]
    pub const fn residual(mut self, residual: bool) -> Self {
        self.residual = residual;
        self
    }
}
#[doc(hidden)]
#[allow(missing_debug_implementations, missing_docs, non_camel_case_types)]
pub struct GatedFields {
    units: ::keras::rt::Given<usize>,
    residual: ::keras::rt::Given<bool>,
}
#[allow(missing_docs, dead_code, unused_mut, clippy::all)]
impl GatedFields {
    #[must_use]
    pub const fn units(mut self, units: usize) -> Self {
        self.units = ::keras::rt::Given::some(units);
        self
    }
    #[must_use]
    pub const fn residual(mut self, residual: bool) -> Self {
        self.residual = ::keras::rt::Given::some(residual);
        self
    }
    #[track_caller]
    pub const fn __made(self) -> Gated {
        Gated {
            units: self.units.take("`Gated` needs `units`"),
            residual: if self.residual.is_given() {
                self.residual.take("")
            } else {
                Gated::__default_residual
            },
            gate: ::keras::Weight::MARKER,
        }
    }
}
#[allow(dead_code)]
impl Gated {
    #[doc(hidden)]
    pub const fn __named() -> GatedFields {
        GatedFields {
            units: ::keras::rt::Given::none(),
            residual: ::keras::rt::Given::none(),
        }
    }
}
#[doc(hidden)]
#[allow(dead_code, unused_variables, unused_mut, clippy::all)]
impl Gated {
    /// The plan with this layer's weights.
    pub const fn __weights(
        &self,
        plan: ::keras::rt::Plan,
        inputs: &[::keras::rt::Spec],
    ) -> ::keras::rt::Plan {
        let _ = (self.gate,);
        let mut __plan = plan;
        #[allow(unused_imports)]
        use ::keras::symbols::*;
        let input = inputs[0];
        let units = self.units;
        let residual = self.residual;
        __plan = __plan
            .weight(
                ::keras::rt::WeightSpec::new(
                    "gate",
                    ::keras::rt::Shape::of(&[input.last(), units]),
                    GlorotUniform,
                ),
            );
        __plan
    }
    /// Whether a field of this name is a weight.
    pub const fn __is_weight(name: &str) -> bool {
        ::keras::rt::is_one_of(name, &["gate"])
    }
    /// Whether masks pass through the layer.
    pub const __SUPPORTS_MASKING: bool = false;
}
impl ::keras::rt::Configure for Gated {
    fn class_name(&self) -> &'static str {
        "Gated"
    }
    fn module(&self) -> &'static str {
        ::core::module_path!()
    }
    fn config(&self) -> ::keras::rt::Config {
        #[allow(unused_mut)]
        let mut __config = ::keras::rt::Config::new();
        __config.insert("units".into(), ::keras::rt::ConfigValue::to_json(&self.units));
        __config
            .insert(
                "residual".into(),
                ::keras::rt::ConfigValue::to_json(&self.residual),
            );
        __config
    }
}
impl ::keras::rt::FromConfig for Gated {
    const CLASS_NAME: &'static str = "Gated";
    fn from_config(
        __config: &::keras::rt::Config,
        __registry: &::keras::rt::Registry,
    ) -> ::keras::Result<Self> {
        let _ = (__config, __registry);
        ::core::result::Result::Ok(Gated {
            units: ::keras::rt::config_required_with(
                __config,
                "Gated",
                "units",
                __registry,
            )?,
            residual: ::keras::rt::config_or_with(
                __config,
                "Gated",
                "residual",
                Self::__default_residual,
                __registry,
            )?,
            gate: ::keras::Weight::MARKER,
        })
    }
}
///The weights of a `Gated` of a model.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct GatedWeights<N>(::keras::rt::Place<N>);
#[allow(dead_code)]
impl<N: ::keras::rt::Reads> GatedWeights<N> {
    ///The numbers of `gate`.
    pub fn gate(&self) -> ::keras::rt::Values {
        self.0.get("gate")
    }
    /**Sets the numbers of `gate`.

# Errors
If the array has another shape, or the layer has no `gate`.*/
    pub fn set_gate<D: ::keras::rt::Dimension>(
        &mut self,
        values: &::keras::rt::ArrayRef<f32, D>,
    ) -> ::keras::Result<()>
    where
        N: ::keras::rt::Writes,
    {
        self.0.set("gate", values)
    }
}
impl<N> ::keras::rt::Access<N> for GatedWeights<N> {
    fn at(place: ::keras::rt::Place<N>) -> Self {
        GatedWeights(place)
    }
    fn place(&self) -> &::keras::rt::Place<N> {
        &self.0
    }
    fn place_mut(&mut self) -> &mut ::keras::rt::Place<N> {
        &mut self.0
    }
}
impl ::keras::rt::Weighted for Gated {
    type Weights<__N> = GatedWeights<__N>;
}
const _: () = {
    #[allow(unused_imports)]
    use ::keras::rt::UsesUnknown as _;
    const _: () = ::keras::rt::assert_used(
        <Gated>::__USED,
        &["units", "residual", "gate"],
        "gate",
    );
};
impl Gated {
    #[allow(dead_code, unused_variables)]
    fn call(&self, x: Tensor) -> Tensor {
        #[allow(unused_imports)]
        use ::keras::ops::*;
        let y = x * sigmoid(matmul(x, self.gate));
        if self.residual { y + x } else { y }
    }
}
#[doc(hidden)]
#[allow(clippy::all, unused, non_upper_case_globals)]
impl Gated {
    const fn __trace_0(
        &self,
        __inputs: &[::keras::rt::Spec],
        __declared: &::keras::rt::Plan,
    ) -> ::core::result::Result<
        ::core::option::Option<::keras::rt::Trace<5usize>>,
        ::keras::rt::Message,
    > {
        let mut __trace = ::keras::rt::Trace::<5usize>::new(__inputs, 0usize);
        if let Err(__message) = __trace
            .field(__declared, Self::__is_weight("gate"), "gate")
        {
            return Err(__message);
        }
        if let Err(__message) = __trace
            .value(
                ::keras::rt::Matmul.spec(&[__trace.spec(0usize), __trace.spec(1usize)]),
                "matmul",
                ::keras::rt::Room::Saved,
            )
        {
            return Err(__message);
        }
        if let Err(__message) = __trace
            .value(
                ::keras::rt::elementwise(&[__trace.spec(0usize), __trace.spec(2usize)]),
                "*",
                ::keras::rt::Room::Nowhere,
            )
        {
            return Err(__message);
        }
        if !(self.residual) {
            return Ok(None);
        }
        if let Err(__message) = __trace
            .value(
                ::keras::rt::elementwise(&[__trace.spec(3usize), __trace.spec(0usize)]),
                "+",
                ::keras::rt::Room::Output(0usize),
            )
        {
            return Err(__message);
        }
        __trace.grad(2usize);
        __trace.grad(4usize);
        Ok(Some(__trace))
    }
    fn __forward_0(&self, __frame: &::keras::rt::Frame<'_, 5usize>) {
        let __trace = __frame.trace();
        __frame.forward(&::keras::rt::Matmul, [0usize, 1usize], 2usize, []);
        __frame
            .chain(
                const {
                    &::keras::rt::Chain {
                        instrs: &[
                            ::keras::rt::Instr::Input(0),
                            ::keras::rt::Instr::Input(1),
                            ::keras::rt::Instr::Unary(::keras::rt::Unary::Sigmoid, 1),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 0, 2),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Add, 3, 0),
                        ],
                        outputs: &[4],
                    }
                },
                &[],
                [0usize, 2usize],
                4usize,
            );
    }
    fn __backward_0(&self, __frame: &::keras::rt::Frame<'_, 5usize>) {
        let __trace = __frame.trace();
        __frame
            .chain_backward(
                const {
                    &::keras::rt::Chain {
                        instrs: &[
                            ::keras::rt::Instr::Input(0),
                            ::keras::rt::Instr::Input(1),
                            ::keras::rt::Instr::Unary(::keras::rt::Unary::Sigmoid, 1),
                            ::keras::rt::Instr::Input(2),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 3, 2),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 3, 0),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Add, 3, 4),
                            ::keras::rt::Instr::Const(1f64),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Sub, 7, 2),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 2, 8),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 5, 9),
                        ],
                        outputs: &[10, 6],
                    }
                },
                &[],
                [0usize, 2usize],
                4usize,
                &[__frame.grad(2usize, true), __frame.grad(0usize, true)],
            );
        __frame
            .backward(
                &::keras::rt::Matmul,
                [0usize, 1usize],
                2usize,
                [__frame.grad(0usize, false), __frame.grad(1usize, true)],
                [],
            );
        __frame.zero_weights(&[1usize]);
    }
    const fn __trace_1(
        &self,
        __inputs: &[::keras::rt::Spec],
        __declared: &::keras::rt::Plan,
    ) -> ::core::result::Result<
        ::core::option::Option<::keras::rt::Trace<5usize>>,
        ::keras::rt::Message,
    > {
        let mut __trace = ::keras::rt::Trace::<5usize>::new(__inputs, 1usize);
        if let Err(__message) = __trace
            .field(__declared, Self::__is_weight("gate"), "gate")
        {
            return Err(__message);
        }
        if let Err(__message) = __trace
            .value(
                ::keras::rt::Matmul.spec(&[__trace.spec(0usize), __trace.spec(1usize)]),
                "matmul",
                ::keras::rt::Room::Saved,
            )
        {
            return Err(__message);
        }
        if let Err(__message) = __trace
            .value(
                ::keras::rt::elementwise(&[__trace.spec(0usize), __trace.spec(2usize)]),
                "*",
                ::keras::rt::Room::Output(0usize),
            )
        {
            return Err(__message);
        }
        if self.residual {
            return Ok(None);
        }
        __trace.grad(2usize);
        __trace.grad(3usize);
        Ok(Some(__trace))
    }
    fn __forward_1(&self, __frame: &::keras::rt::Frame<'_, 5usize>) {
        let __trace = __frame.trace();
        __frame.forward(&::keras::rt::Matmul, [0usize, 1usize], 2usize, []);
        __frame
            .chain(
                const {
                    &::keras::rt::Chain {
                        instrs: &[
                            ::keras::rt::Instr::Input(0),
                            ::keras::rt::Instr::Input(1),
                            ::keras::rt::Instr::Unary(::keras::rt::Unary::Sigmoid, 1),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 0, 2),
                        ],
                        outputs: &[3],
                    }
                },
                &[],
                [0usize, 2usize],
                3usize,
            );
    }
    fn __backward_1(&self, __frame: &::keras::rt::Frame<'_, 5usize>) {
        let __trace = __frame.trace();
        __frame
            .chain_backward(
                const {
                    &::keras::rt::Chain {
                        instrs: &[
                            ::keras::rt::Instr::Input(0),
                            ::keras::rt::Instr::Input(1),
                            ::keras::rt::Instr::Unary(::keras::rt::Unary::Sigmoid, 1),
                            ::keras::rt::Instr::Input(2),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 3, 2),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 3, 0),
                            ::keras::rt::Instr::Const(1f64),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Sub, 6, 2),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 2, 7),
                            ::keras::rt::Instr::Binary(::keras::rt::Binary::Mul, 5, 8),
                        ],
                        outputs: &[9, 4],
                    }
                },
                &[],
                [0usize, 2usize],
                3usize,
                &[__frame.grad(2usize, true), __frame.grad(0usize, true)],
            );
        __frame
            .backward(
                &::keras::rt::Matmul,
                [0usize, 1usize],
                2usize,
                [__frame.grad(0usize, false), __frame.grad(1usize, true)],
                [],
            );
        __frame.zero_weights(&[1usize]);
    }
    /// The fields that `call` uses.
    pub const __USED: ::core::option::Option<&'static [&'static str]> = ::core::option::Option::Some(
        &["gate"],
    );
    const fn __trace(
        &self,
        __inputs: &[::keras::rt::Spec],
        __declared: &::keras::rt::Plan,
    ) -> ::core::result::Result<::keras::rt::Trace<5usize>, ::keras::rt::Message> {
        match self.__trace_0(__inputs, __declared) {
            Ok(Some(__trace)) => return Ok(__trace),
            Ok(None) => {}
            Err(__message) => return Err(__message),
        }
        match self.__trace_1(__inputs, __declared) {
            Ok(Some(__trace)) => return Ok(__trace),
            Ok(None) => {}
            Err(__message) => return Err(__message),
        }
        ::core::unreachable!()
    }
    fn __frame<'a>(
        &self,
        __cx: &'a ::keras::rt::Context<'a>,
        __call: &'a ::keras::rt::Call,
    ) -> ::keras::rt::Frame<'a, 5usize> {
        let __inputs: [::keras::rt::Spec; 1usize] = ::keras::rt::call_specs(__call);
        let __declared = self.__weights(::keras::rt::Plan::new(__inputs[0]), &__inputs);
        match self.__trace(&__inputs, &__declared) {
            Ok(__trace) => ::keras::rt::Frame::new(__cx, __call, __trace),
            Err(__message) => ::core::unreachable!("{}", __message),
        }
    }
}
#[allow(clippy::all, unused)]
impl Gated {
    /// What the layer needs for inputs of these specs.
    pub const fn plan(&self, __inputs: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
        if ::keras::rt::any_poison(__inputs) {
            return Ok(::keras::rt::Plan::POISON);
        }
        if let Some(__message) = ::keras::rt::call_refuses(__inputs, 1usize) {
            return Err(__message);
        }
        let __declared = self.__weights(::keras::rt::Plan::new(__inputs[0]), __inputs);
        let __trace = match self.__trace(__inputs, &__declared) {
            Ok(__trace) => __trace,
            Err(__message) => return Err(__message),
        };
        let __outputs: &[usize] = match __trace.path {
            0usize => &[4usize],
            1usize => &[3usize],
            _ => ::core::unreachable!(),
        };
        Ok(__trace.plan(&__declared, __outputs, Self::__SUPPORTS_MASKING))
    }
}
#[allow(clippy::all, unused)]
impl ::keras::rt::Layer for Gated {
    fn plan_for(&self, __inputs: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
        self.plan(__inputs)
    }
    fn forward(&self, __cx: &::keras::rt::Context<'_>, __call: &::keras::rt::Call) {
        let __frame = self.__frame(__cx, __call);
        match __frame.trace().path {
            0usize => self.__forward_0(&__frame),
            1usize => self.__forward_1(&__frame),
            _ => ::core::unreachable!(),
        }
    }
    fn backward(&self, __cx: &::keras::rt::Context<'_>, __call: &::keras::rt::Call) {
        let __frame = self.__frame(__cx, __call);
        match __frame.trace().path {
            0usize => self.__backward_0(&__frame),
            1usize => self.__backward_1(&__frame),
            _ => ::core::unreachable!(),
        }
    }
}
