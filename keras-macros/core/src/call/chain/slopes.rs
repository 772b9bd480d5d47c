//! What each elementwise function contributes to the gradients of its operands.

use super::{Chain, Instr, Value};

impl Chain {
    /// `f'(x) dy`, where `y = f(x)`.
    pub(super) fn unary_gradient(&mut self, f: &str, x: Value, y: Value, dy: Value) -> Value {
        let one = 1.0;
        match f {
            "Neg" => self.unary("Neg", dy),
            "Abs" => {
                let sign = self.unary("Sign", x);
                self.binary("Mul", dy, sign)
            }
            "Square" => self.scaled(2.0, x, dy),
            "Sqrt" => {
                let half = self.scaled_by(0.5, dy);
                self.binary("Div", half, y)
            }
            "Rsqrt" => {
                let square = self.unary("Square", y);
                let cube = self.binary("Mul", square, y);
                self.scaled(-0.5, cube, dy)
            }
            "Recip" => {
                let square = self.unary("Square", y);
                self.scaled(-1.0, square, dy)
            }
            "Exp" => self.binary("Mul", dy, y),
            "Expm1" => {
                let exp = self.plus(y, one);
                self.binary("Mul", dy, exp)
            }
            "Log" => self.binary("Div", dy, x),
            "Log1p" => {
                let below = self.plus(x, one);
                self.binary("Div", dy, below)
            }
            "Log2" => {
                let scaled = self.scaled_by(std::f64::consts::LOG2_E, dy);
                self.binary("Div", scaled, x)
            }
            "Log10" => {
                let scaled = self.scaled_by(std::f64::consts::LOG10_E, dy);
                self.binary("Div", scaled, x)
            }
            "Sin" => {
                let cos = self.unary("Cos", x);
                self.binary("Mul", dy, cos)
            }
            "Cos" => {
                let sin = self.unary("Sin", x);
                self.scaled(-1.0, sin, dy)
            }
            "Tan" => {
                let square = self.unary("Square", y);
                let slope = self.plus(square, one);
                self.binary("Mul", dy, slope)
            }
            "Asin" | "Acos" => {
                let square = self.unary("Square", x);
                let left = self.minus(one, square);
                let slope = self.unary("Rsqrt", left);
                let factor = if f == "Asin" { 1.0 } else { -1.0 };
                self.scaled(factor, slope, dy)
            }
            "Atan" => {
                let square = self.unary("Square", x);
                let below = self.plus(square, one);
                self.binary("Div", dy, below)
            }
            "Sinh" => {
                let cosh = self.unary("Cosh", x);
                self.binary("Mul", dy, cosh)
            }
            "Cosh" => {
                let sinh = self.unary("Sinh", x);
                self.binary("Mul", dy, sinh)
            }
            "Tanh" => {
                let square = self.unary("Square", y);
                let slope = self.minus(one, square);
                self.binary("Mul", dy, slope)
            }
            "Asinh" | "Acosh" => {
                let square = self.unary("Square", x);
                let below = self.plus(square, if f == "Asinh" { one } else { -one });
                let slope = self.unary("Rsqrt", below);
                self.binary("Mul", dy, slope)
            }
            "Atanh" => {
                let square = self.unary("Square", x);
                let below = self.minus(one, square);
                self.binary("Div", dy, below)
            }
            "Erf" => {
                let square = self.unary("Square", x);
                let minus = self.unary("Neg", square);
                let exp = self.unary("Exp", minus);
                self.scaled(std::f64::consts::FRAC_2_SQRT_PI, exp, dy)
            }
            "Sigmoid" => {
                let other = self.minus(one, y);
                let slope = self.binary("Mul", y, other);
                self.binary("Mul", dy, slope)
            }
            "Relu" => {
                let zero = self.constant(0.0);
                let positive = self.binary("Greater", x, zero);
                self.push(Instr::Select(positive, dy, zero))
            }
            "Softplus" => {
                let slope = self.unary("Sigmoid", x);
                self.binary("Mul", dy, slope)
            }
            _ => unreachable!("`{f}` has no gradient in the table"),
        }
    }

    /// The gradient of `a` in `y = f(a, b)`.
    pub(super) fn left_gradient(&mut self, f: &str, a: Value, b: Value, dy: Value) -> Value {
        match f {
            "Add" | "Sub" | "Mod" => dy,
            "Mul" => self.binary("Mul", dy, b),
            "Div" => self.binary("Div", dy, b),
            "Pow" => {
                let one = self.constant(1.0);
                let less = self.binary("Sub", b, one);
                let power = self.binary("Pow", a, less);
                let slope = self.binary("Mul", b, power);
                // x^0 is constant, at 0 too.
                let zero = self.constant(0.0);
                let slope = self.push(Instr::Select(b, slope, zero));
                self.binary("Mul", dy, slope)
            }
            "Max" => self.shared("Greater", a, b, dy),
            "Min" => self.shared("Less", a, b, dy),
            "Atan2" => {
                let square = self.norm(a, b);
                let slope = self.binary("Div", b, square);
                self.binary("Mul", dy, slope)
            }
            _ => unreachable!("`{f}` has no gradient in the table"),
        }
    }

    /// The gradient of `b` in `y = f(a, b)`.
    pub(super) fn right_gradient(&mut self, f: &str, a: Value, b: Value, y: Value, dy: Value) -> Value {
        match f {
            "Add" => dy,
            "Sub" => self.unary("Neg", dy),
            "Mul" => self.binary("Mul", dy, a),
            "Div" => {
                let ratio = self.binary("Div", y, b);
                self.scaled(-1.0, ratio, dy)
            }
            "Pow" => {
                // 0^b is constant.
                let one = self.constant(1.0);
                let base = self.push(Instr::Select(a, a, one));
                let log = self.unary("Log", base);
                let slope = self.binary("Mul", y, log);
                self.binary("Mul", dy, slope)
            }
            "Max" => self.shared("Greater", b, a, dy),
            "Min" => self.shared("Less", b, a, dy),
            "Mod" => {
                let whole = self.binary("FloorDiv", a, b);
                self.scaled(-1.0, whole, dy)
            }
            "Atan2" => {
                let square = self.norm(a, b);
                let slope = self.binary("Div", a, square);
                self.scaled(-1.0, slope, dy)
            }
            _ => unreachable!("`{f}` has no gradient in the table"),
        }
    }

    /// `dy` where `a` wins, half of it where they are equal.
    fn shared(&mut self, wins: &'static str, a: Value, b: Value, dy: Value) -> Value {
        let wins = self.binary(wins, a, b);
        let equal = self.binary("Equal", a, b);
        let half = self.scaled_by(0.5, equal);
        let share = self.binary("Add", wins, half);
        self.binary("Mul", dy, share)
    }

    fn norm(&mut self, a: Value, b: Value) -> Value {
        let (a, b) = (self.unary("Square", a), self.unary("Square", b));
        self.binary("Add", a, b)
    }

    fn scaled_by(&mut self, factor: f64, x: Value) -> Value {
        if factor == 1.0 {
            return x;
        }
        if factor == -1.0 {
            return self.unary("Neg", x);
        }
        let factor = self.constant(factor);
        self.binary("Mul", x, factor)
    }

    fn scaled(&mut self, factor: f64, slope: Value, dy: Value) -> Value {
        let slope = self.scaled_by(factor, slope);
        self.binary("Mul", dy, slope)
    }

    fn plus(&mut self, x: Value, c: f64) -> Value {
        let c = self.constant(c);
        self.binary("Add", x, c)
    }

    fn minus(&mut self, c: f64, x: Value) -> Value {
        let c = self.constant(c);
        self.binary("Sub", c, x)
    }
}
