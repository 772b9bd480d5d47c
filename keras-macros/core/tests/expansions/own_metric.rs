///`within`, from the function of this name.
#[allow(non_camel_case_types, dead_code)]
#[derive(Clone, Debug)]
struct within {
    near: f64,
    strict: bool,
}
///`within`, from the function of this name.
#[allow(dead_code)]
#[must_use]
const fn within(near: f64, strict: bool) -> within {
    within { near, strict }
}
#[allow(clippy::all, unused)]
impl ::keras::rt::RowMetric for within {
    const NAME: &'static str = "within";
    const LABELS: ::keras::rt::LabelKind = ::keras::rt::LabelKind::Same;
    const AXES: ::keras::rt::RowAxes = ::keras::rt::RowAxes::One(-1);
    fn arguments(&self) -> ::keras::rt::Config {
        #[allow(unused_mut)]
        let mut __arguments = ::keras::rt::Config::new();
        __arguments.insert("near".into(), ::keras::rt::ConfigValue::to_json(&self.near));
        __arguments
            .insert("strict".into(), ::keras::rt::ConfigValue::to_json(&self.strict));
        __arguments
    }
    fn rows<'t>(
        &self,
        __labels: ::keras::rt::Expr<'t>,
        __predictions: ::keras::rt::Expr<'t>,
    ) -> ::keras::rt::Expr<'t> {
        let near = self.near;
        let strict = self.strict;
        let __result = {
            if (strict) {
                let __0 = __labels;
                let __1 = __predictions;
                let __2 = __0.binary(::keras::rt::Binary::Sub, __1);
                let __3 = __2.unary(::keras::rt::Unary::Abs);
                let __4 = __predictions.constant(::keras::rt::Number::number(near));
                let __5 = __3.binary(::keras::rt::Binary::Less, __4);
                __5
            } else {
                let __0 = __labels;
                let __1 = __predictions;
                let __2 = __0.binary(::keras::rt::Binary::Sub, __1);
                let __3 = __2.unary(::keras::rt::Unary::Abs);
                let __4 = __predictions.constant(::keras::rt::Number::number(near));
                let __5 = __3.binary(::keras::rt::Binary::LessEqual, __4);
                __5
            }
        };
        ::keras::rt::row_of(__result, ::keras::losses::Reduction::SumOverBatchSize)
    }
}
impl ::keras::rt::IntoMetric for within {
    fn into_metric(self) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
        ::std::boxed::Box::new(::keras::rt::OfLoss::of_function(self))
    }
    fn into_metric_named(
        self,
        name: &str,
    ) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
        ::std::boxed::Box::new(::keras::rt::OfLoss::of_function(self).name(name))
    }
}
impl ::keras::rt::FromConfig for within {
    const CLASS_NAME: &'static str = "within";
    fn from_config(
        __config: &::keras::rt::Config,
        __registry: &::keras::rt::Registry,
    ) -> ::keras::Result<Self> {
        let _ = (__config, __registry);
        ::core::result::Result::Ok(within {
            near: ::keras::rt::config_required_with(
                __config,
                "within",
                "near",
                __registry,
            )?,
            strict: ::keras::rt::config_required_with(
                __config,
                "within",
                "strict",
                __registry,
            )?,
        })
    }
}
const _: () = {
    #[allow(dead_code, unused_variables, unused_braces, clippy::all)]
    fn within(y_true: Tensor, y_pred: Tensor, near: f64, strict: bool) -> Tensor {
        #[allow(unused_imports)]
        use ::keras::ops::*;
        {
            let error = abs(y_true - y_pred);
            if strict { less(error, near) } else { less_equal(error, near) }
        }
    }
};
