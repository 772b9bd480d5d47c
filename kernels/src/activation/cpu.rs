use std::marker::PhantomData;

use super::functions::*;
use super::{Activation, Activations, axis_split};
use crate::cpu::blocks::{Op, map2};
use crate::cpu::math::Real;
use crate::elementwise::Elementwise;
use crate::layout::Layout;
use crate::softmax::Softmax;
use crate::{Cpu, Grad, View, with_float};

/// Operations an element, for the decision to fork: functions without an exponential cost about this.
const CHEAP: usize = 2;
/// And those with one.
const DEAR: usize = 8;

/// Calls `$body` with `$f` bound to the function of an elementwise activation and `$cost` to its cost.
macro_rules! with_function {
    ($activation:expr, $T:ident, |$f:ident, $cost:ident| $body:expr, other => $other:expr) => {
        with_function!(@arms $activation, $T, $f, $cost, $body, $other,
            [CHEAP Relu6 {} = Activation::Relu6]
            [CHEAP LeakyRelu { slope: negative_slope } = Activation::LeakyRelu { negative_slope }]
            [DEAR Elu { alpha: alpha, scale: 1.0 } = Activation::Elu { alpha }]
            [DEAR Elu { alpha: SELU_ALPHA, scale: SELU_SCALE } = Activation::Selu]
            [DEAR Celu { alpha: alpha } = Activation::Celu { alpha }]
            [DEAR Softplus {} = Activation::Softplus]
            [CHEAP Softsign {} = Activation::Softsign]
            [DEAR Silu {} = Activation::Silu]
            [DEAR Gelu {} = Activation::Gelu { approximate: false }]
            [DEAR GeluTanh {} = Activation::Gelu { approximate: true }]
            [DEAR Exponential {} = Activation::Exponential]
            [DEAR Sigmoid {} = Activation::Sigmoid]
            [DEAR Tanh {} = Activation::Tanh]
            [CHEAP HardSigmoid {} = Activation::HardSigmoid]
            [CHEAP HardSilu {} = Activation::HardSilu]
            [CHEAP HardTanh {} = Activation::HardTanh]
            [DEAR Mish {} = Activation::Mish]
            [DEAR LogSigmoid {} = Activation::LogSigmoid]
            [CHEAP HardShrink { threshold: threshold } = Activation::HardShrink { threshold }]
            [CHEAP SoftShrink { threshold: threshold } = Activation::SoftShrink { threshold }]
            [DEAR TanhShrink {} = Activation::TanhShrink]
            [CHEAP Squareplus { b: b } = Activation::Squareplus { b }]
            [CHEAP SparsePlus {} = Activation::SparsePlus]
            [CHEAP SparseSigmoid {} = Activation::SparseSigmoid]
            [CHEAP Threshold { threshold: threshold, default_value: default_value }
                = Activation::Threshold { threshold, default_value }]
        )
    };
    (@arms $activation:expr, $T:ident, $f:ident, $cost:ident, $body:expr, $other:expr,
     $([$c:ident $name:ident { $($p:ident: $v:expr),* } = $pattern:pat])*) => {
        match $activation {
            $($pattern => {
                let $f = $name::<$T> { $($p: $T::lit($v),)* of: PhantomData };
                let $cost = $c;
                $body
            })*
            Activation::Relu { max_value, negative_slope, threshold } => {
                let $cost = CHEAP;
                if max_value == f64::INFINITY && negative_slope == 0.0 && threshold == 0.0 {
                    let $f = Relu::<$T> { of: PhantomData };
                    $body
                } else if max_value == f64::INFINITY && threshold == 0.0 {
                    let $f = LeakyRelu::<$T> { slope: $T::lit(negative_slope), of: PhantomData };
                    $body
                } else if max_value == 6.0 && negative_slope == 0.0 && threshold == 0.0 {
                    let $f = Relu6::<$T> { of: PhantomData };
                    $body
                } else {
                    let $f = FullRelu::<$T> {
                        max_value: $T::lit(max_value),
                        slope: $T::lit(negative_slope),
                        threshold: $T::lit(threshold),
                        of: PhantomData,
                    };
                    $body
                }
            }
            _ => $other,
        }
    };
}

const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

fn forward<T: Real>(f: Activation, x: View, y: View) {
    let y = Grad::write(y);
    with_function!(f, T, |f, cost| map2::<T, _>(x, x, y, cost, Value(f)),
        other => unreachable!("{f:?} is not elementwise"));
}

fn from_input<T: Real>(f: Activation, x: View, dy: View, dx: Grad) {
    with_function!(f, T, |f, cost| map2::<T, _>(x, dy, dx, cost, Slope(f)),
        other => unreachable!("{f:?} is not elementwise"));
}

fn from_output<T: Real>(f: Activation, y: View, dy: View, dx: Grad) {
    fn go<T: Real>(y: View, dy: View, dx: Grad, f: impl SlopeFromOutput<T>) {
        map2::<T, _>(y, dy, dx, CHEAP, SlopeAt(f));
    }
    let of = PhantomData::<T>;
    match f {
        Activation::Sigmoid => go(y, dy, dx, Sigmoid { of }),
        Activation::Tanh => go(y, dy, dx, Tanh { of }),
        Activation::Exponential => go(y, dy, dx, Exponential { of }),
        Activation::Relu6 => go(y, dy, dx, Relu6 { of }),
        Activation::HardTanh => go(y, dy, dx, HardTanh { of }),
        Activation::LeakyRelu { negative_slope } => {
            go(y, dy, dx, LeakyRelu { slope: T::lit(negative_slope), of });
        }
        Activation::Relu { max_value: f64::INFINITY, .. } => go(y, dy, dx, Relu { of }),
        Activation::Relu { max_value, .. } => {
            let zero = T::zero();
            go(y, dy, dx, FullRelu { max_value: T::lit(max_value), slope: zero, threshold: zero, of });
        }
        _ => unreachable!("{f:?} needs its input"),
    }
}

/// The gradient that passes unchanged.
#[derive(Clone, Copy)]
struct Second;
impl<T: Real> Op<T> for Second {
    #[inline(always)]
    fn apply<L: crate::cpu::simd::Level>(&self, _: T, b: T) -> T {
        b
    }
}

impl Activations for Cpu {
    fn activation(&self, f: Activation, x: View, y: View) {
        match f {
            Activation::Linear => {
                if x.address() != y.address() {
                    self.cast(x, y.reshape(x.shape()));
                }
            }
            Activation::Softmax { axis } => self.softmax(x, f.axis_of(axis, x.shape()), y),
            Activation::LogSoftmax { axis } => self.log_softmax(x, f.axis_of(axis, x.shape()), y),
            Activation::Glu { axis } => {
                let split = axis_split(x.shape(), f.axis_of(axis, x.shape()));
                with_float!(x.dtype(), T => super::glu::forward::<T>(split, x, y));
            }
            Activation::Sparsemax { axis } => {
                let split = axis_split(x.shape(), f.axis_of(axis, x.shape()));
                with_float!(x.dtype(), T => super::sparsemax::forward::<T>(split, x, y));
            }
            Activation::Custom(custom) => self.map(&custom.forward, &[], &[x], &[Grad::write(y)]),
            _ => with_float!(x.dtype(), T => forward::<T>(f, x, y)),
        }
    }

    fn activation_grad(&self, f: Activation, x: Option<View>, y: View, dy: View, dx: Grad) {
        let input = || x.expect("this activation's gradient needs its input");
        match f {
            Activation::Linear => {
                with_float!(dy.dtype(), T => map2::<T, _>(dy, dy, dx, CHEAP, Second));
            }
            Activation::Softmax { axis } => self.softmax_grad(y, dy, f.axis_of(axis, y.shape()), dx),
            Activation::LogSoftmax { axis } => self.log_softmax_grad(y, dy, f.axis_of(axis, y.shape()), dx),
            Activation::Glu { axis } => {
                let split = axis_split(input().shape(), f.axis_of(axis, input().shape()));
                with_float!(y.dtype(), T => super::glu::backward::<T>(split, input(), dy, dx));
            }
            Activation::Sparsemax { axis } => {
                let split = axis_split(y.shape(), f.axis_of(axis, y.shape()));
                with_float!(y.dtype(), T => super::sparsemax::backward::<T>(split, input(), y, dy, dx));
            }
            Activation::Custom(custom) => self.map(&custom.backward, &[], &[input(), dy], &[dx]),
            _ => with_float!(y.dtype(), T => match x {
                Some(x) => from_input::<T>(f, x, dy, dx),
                None => from_output::<T>(f, y, dy, dx),
            }),
        }
    }
}
