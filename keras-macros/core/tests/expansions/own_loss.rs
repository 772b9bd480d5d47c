/// The fourth power of the error.
#[allow(non_camel_case_types, dead_code)]
#[derive(Clone, Debug)]
pub struct quartic {
    __common: ::keras::rt::Common,
}
/// The fourth power of the error.
#[allow(non_upper_case_globals, dead_code)]
pub const quartic: quartic = quartic {
    __common: ::keras::rt::Common::named("quartic"),
};
#[allow(dead_code)]
impl quartic {
    /// How the rows' numbers become one (`sum_over_batch_size`).
    #[must_use]
    pub fn reduction(mut self, reduction: ::keras::losses::Reduction) -> Self {
        self.__common.reduction = reduction;
        self
    }
    /// Name of the loss.
    #[must_use]
    pub fn name(
        mut self,
        name: impl ::core::convert::Into<::std::string::String>,
    ) -> Self {
        self.__common.name = name.into().into();
        self
    }
}
#[allow(clippy::all, unused)]
impl ::keras::rt::Loss for quartic {
    fn class_name(&self) -> &'static str {
        "quartic"
    }
    fn common(&self) -> &::keras::rt::Common {
        &self.__common
    }
    fn label_kind(&self) -> ::keras::rt::LabelKind {
        ::keras::rt::LabelKind::Same
    }
    fn axes(&self) -> ::keras::rt::RowAxes {
        ::keras::rt::RowAxes::One(-1)
    }
    fn arguments(&self) -> ::core::option::Option<::keras::rt::Config> {
        #[allow(unused_mut)]
        let mut __arguments = ::keras::rt::Config::new();
        ::core::option::Option::Some(__arguments)
    }
    fn rows<'t>(
        &self,
        __labels: ::keras::rt::Expr<'t>,
        __predictions: ::keras::rt::Expr<'t>,
    ) -> ::keras::rt::Expr<'t> {
        let __result = {
            {
                let __0 = __labels;
                let __1 = __predictions;
                let __2 = __0.binary(::keras::rt::Binary::Sub, __1);
                let __3 = __2.unary(::keras::rt::Unary::Square);
                let __4 = __3.unary(::keras::rt::Unary::Square);
                let __5 = __4.mean();
                __5
            }
        };
        ::keras::rt::row_of(__result, self.__common.reduction)
    }
    fn boxed(&self) -> ::std::boxed::Box<dyn ::keras::rt::Loss> {
        ::std::boxed::Box::new(::core::clone::Clone::clone(self))
    }
}
impl<
    D: ::keras::rt::Dims,
    T: ::keras::rt::Element,
> ::keras::rt::TakesLabels<::keras::rt::Batch<D>, ::keras::rt::Batch<D, T>> for quartic {}
impl<
    T: ::keras::rt::Element,
> ::keras::rt::TakesLabels<
    ::keras::rt::Batch<::keras::rt::D1<1>>,
    ::keras::rt::Batch<::keras::rt::D0, T>,
> for quartic {}
impl ::keras::rt::IntoMetric for quartic {
    fn into_metric(self) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
        let __loss = self.reduction(::keras::losses::Reduction::SumOverBatchSize);
        ::std::boxed::Box::new(::keras::rt::OfLoss::new(::std::boxed::Box::new(__loss)))
    }
}
impl ::keras::rt::FromConfig for quartic {
    const CLASS_NAME: &'static str = "quartic";
    fn from_config(
        __config: &::keras::rt::Config,
        __registry: &::keras::rt::Registry,
    ) -> ::keras::Result<Self> {
        let _ = (__config, __registry);
        ::core::result::Result::Ok(quartic {
            __common: ::keras::rt::Common::named("quartic").read(__config)?,
        })
    }
}
const _: () = {
    #[allow(dead_code, unused_variables, unused_braces, clippy::all)]
    fn quartic(y_true: Tensor, y_pred: Tensor) -> Tensor {
        #[allow(unused_imports)]
        use ::keras::ops::*;
        { mean(square(square(y_true - y_pred)), -1) }
    }
};
///`focal`, from the function of this name.
#[allow(non_camel_case_types, dead_code)]
#[derive(Clone, Debug)]
struct focal {
    gamma: f64,
    __common: ::keras::rt::Common,
}
///`focal`, from the function of this name.
#[allow(dead_code)]
#[must_use]
const fn focal(gamma: f64) -> focal {
    focal {
        gamma,
        __common: ::keras::rt::Common::named("focal"),
    }
}
#[allow(dead_code)]
impl focal {
    /// How the rows' numbers become one (`sum_over_batch_size`).
    #[must_use]
    pub fn reduction(mut self, reduction: ::keras::losses::Reduction) -> Self {
        self.__common.reduction = reduction;
        self
    }
    /// Name of the loss.
    #[must_use]
    pub fn name(
        mut self,
        name: impl ::core::convert::Into<::std::string::String>,
    ) -> Self {
        self.__common.name = name.into().into();
        self
    }
}
#[allow(clippy::all, unused)]
impl ::keras::rt::Loss for focal {
    fn class_name(&self) -> &'static str {
        "focal"
    }
    fn common(&self) -> &::keras::rt::Common {
        &self.__common
    }
    fn label_kind(&self) -> ::keras::rt::LabelKind {
        ::keras::rt::LabelKind::Sparse
    }
    fn axes(&self) -> ::keras::rt::RowAxes {
        ::keras::rt::RowAxes::One(-1)
    }
    fn arguments(&self) -> ::core::option::Option<::keras::rt::Config> {
        #[allow(unused_mut)]
        let mut __arguments = ::keras::rt::Config::new();
        __arguments
            .insert("gamma".into(), ::keras::rt::ConfigValue::to_json(&self.gamma));
        ::core::option::Option::Some(__arguments)
    }
    fn rows<'t>(
        &self,
        __labels: ::keras::rt::Expr<'t>,
        __predictions: ::keras::rt::Expr<'t>,
    ) -> ::keras::rt::Expr<'t> {
        let gamma = self.gamma;
        let __result = {
            {
                let __0 = __labels;
                let __1 = __predictions;
                let __2 = __1.softmax();
                let __3 = __predictions.constant(1f64);
                let __4 = __3.binary(::keras::rt::Binary::Sub, __2);
                let __5 = __predictions.constant(::keras::rt::Number::number(gamma));
                let __6 = __4.binary(::keras::rt::Binary::Pow, __5);
                let __7 = __0.binary(::keras::rt::Binary::Mul, __6);
                let __8 = __1.log_softmax();
                let __9 = __7.binary(::keras::rt::Binary::Mul, __8);
                let __10 = __9.sum();
                let __11 = __10.unary(::keras::rt::Unary::Neg);
                __11
            }
        };
        ::keras::rt::row_of(__result, self.__common.reduction)
    }
    fn boxed(&self) -> ::std::boxed::Box<dyn ::keras::rt::Loss> {
        ::std::boxed::Box::new(::core::clone::Clone::clone(self))
    }
}
impl<
    D: ::keras::rt::Outer,
    T: ::keras::rt::ClassNumber,
> ::keras::rt::TakesLabels<::keras::rt::Batch<D>, ::keras::rt::Batch<D::Outer, T>>
for focal {}
impl ::keras::rt::IntoMetric for focal {
    fn into_metric(self) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
        let __loss = self.reduction(::keras::losses::Reduction::SumOverBatchSize);
        ::std::boxed::Box::new(::keras::rt::OfLoss::new(::std::boxed::Box::new(__loss)))
    }
}
impl ::keras::rt::FromConfig for focal {
    const CLASS_NAME: &'static str = "focal";
    fn from_config(
        __config: &::keras::rt::Config,
        __registry: &::keras::rt::Registry,
    ) -> ::keras::Result<Self> {
        let _ = (__config, __registry);
        ::core::result::Result::Ok(focal {
            gamma: ::keras::rt::config_required_with(
                __config,
                "focal",
                "gamma",
                __registry,
            )?,
            __common: ::keras::rt::Common::named("focal").read(__config)?,
        })
    }
}
const _: () = {
    #[allow(dead_code, unused_variables, unused_braces, clippy::all)]
    fn focal(y_true: Tensor, y_pred: Tensor, gamma: f64) -> Tensor {
        #[allow(unused_imports)]
        use ::keras::ops::*;
        {
            -sum(
                y_true * power(1.0 - softmax(y_pred, -1), gamma)
                    * log_softmax(y_pred, -1),
                -1,
            )
        }
    }
};
