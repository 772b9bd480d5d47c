//! Chains of elementwise functions, and their gradients by reverse accumulation.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::graph::{Graph, Kind, is_flat};

/// Position of an instruction.
type Value = usize;

/// One instruction of `kernels::elementwise`.
#[derive(Clone, Debug, PartialEq)]
enum Instr {
    Input(usize),
    /// An input if the field is a weight, else a number.
    Field(Ident, usize, usize),
    Scalar(usize),
    Const(f64),
    Unary(&'static str, Value),
    Binary(&'static str, Value, Value),
    Select(Value, Value, Value),
}

impl Instr {
    fn uses(&self) -> Vec<Value> {
        match *self {
            Instr::Unary(_, a) => vec![a],
            Instr::Binary(_, a, b) => vec![a, b],
            Instr::Select(a, b, c) => vec![a, b, c],
            _ => Vec::new(),
        }
    }

    fn renumbered(&self, new: &[Value]) -> Instr {
        match self.clone() {
            Instr::Unary(f, a) => Instr::Unary(f, new[a]),
            Instr::Binary(f, a, b) => Instr::Binary(f, new[a], new[b]),
            Instr::Select(a, b, c) => Instr::Select(new[a], new[b], new[c]),
            other => other,
        }
    }
}

/// A program under construction; equal instructions are one.
#[derive(Clone, Default)]
pub(super) struct Chain {
    instrs: Vec<Instr>,
    outputs: Vec<Value>,
    /// Nodes that are its inputs.
    pub leaves: Vec<usize>,
    /// Numbers that it is given.
    pub scalars: Vec<TokenStream>,
    /// The same as the user wrote them.
    numbers: Vec<TokenStream>,
}

impl Chain {
    /// The program that computes `root` from nodes outside `members`.
    pub(super) fn new(graph: &Graph, root: usize, members: &dyn Fn(usize) -> bool) -> Chain {
        let mut chain = Chain::default();
        let mut done = HashMap::new();
        let value = chain.node(graph, root, root, members, &mut done);
        chain.outputs = vec![value];
        chain
    }

    fn node(
        &mut self,
        graph: &Graph,
        node: usize,
        root: usize,
        members: &dyn Fn(usize) -> bool,
        done: &mut HashMap<usize, Value>,
    ) -> Value {
        if let Some(value) = done.get(&node) {
            return *value;
        }
        let inside = node == root || members(node);
        let value = match &graph.nodes[node].kind {
            Kind::Const(c) => self.push(Instr::Const(*c)),
            Kind::Scalar(tokens) => {
                let at = self.scalar(quote!(::keras::rt::Number::number(#tokens)), tokens);
                self.push(Instr::Scalar(at))
            }
            Kind::Field(name) if !inside => {
                let scalar =
                    self.scalar(quote!(::keras::rt::Number::number(self.#name)), &quote!(self.#name));
                let input = self.leaf(node);
                self.push(Instr::Field(name.clone(), input, scalar))
            }
            _ if !inside => {
                let input = self.leaf(node);
                self.push(Instr::Input(input))
            }
            kind => {
                let inputs = &graph.nodes[node].inputs;
                let values: Vec<Value> =
                    inputs.iter().map(|i| self.node(graph, *i, root, members, done)).collect();
                match kind {
                    Kind::Copy => values[0],
                    Kind::Unary(f) => self.push(Instr::Unary(f, values[0])),
                    Kind::Binary(f) => self.push(Instr::Binary(f, values[0], values[1])),
                    Kind::Select => self.push(Instr::Select(values[0], values[1], values[2])),
                    _ => unreachable!("only elementwise nodes are members of a chain"),
                }
            }
        };
        done.insert(node, value);
        value
    }

    fn leaf(&mut self, node: usize) -> usize {
        self.leaves.iter().position(|l| *l == node).unwrap_or_else(|| {
            self.leaves.push(node);
            self.leaves.len() - 1
        })
    }

    fn scalar(&mut self, tokens: TokenStream, number: &TokenStream) -> usize {
        let text = tokens.to_string();
        self.scalars.iter().position(|s| s.to_string() == text).unwrap_or_else(|| {
            self.scalars.push(tokens);
            self.numbers.push(number.clone());
            self.scalars.len() - 1
        })
    }

    fn push(&mut self, instr: Instr) -> Value {
        self.instrs.iter().position(|i| *i == instr).unwrap_or_else(|| {
            self.instrs.push(instr);
            self.instrs.len() - 1
        })
    }

    fn constant(&mut self, value: f64) -> Value {
        self.push(Instr::Const(value))
    }

    fn unary(&mut self, f: &'static str, a: Value) -> Value {
        self.push(Instr::Unary(f, a))
    }

    fn binary(&mut self, f: &'static str, a: Value, b: Value) -> Value {
        self.push(Instr::Binary(f, a, b))
    }

    /// Which of the inputs the program reads.
    pub(super) fn reads(&self) -> Vec<bool> {
        let mut reads = vec![false; self.leaves.len()];
        for instr in &self.instrs {
            if let Instr::Input(i) | Instr::Field(_, i, _) = instr {
                // The gradient of the result comes after the leaves.
                if let Some(read) = reads.get_mut(*i) {
                    *read = true;
                }
            }
        }
        reads
    }

    /// The program of the gradient: its inputs are the chain's and then the gradient of its result; its outputs are the
    /// gradients of the leaves that are returned, in this order.
    pub(super) fn gradient(&self, flows: &dyn Fn(usize) -> bool) -> (Chain, Vec<usize>) {
        let mut back = self.clone();
        let root = self.outputs[0];
        let mut needed = vec![false; self.instrs.len()];
        for (i, instr) in self.instrs.iter().enumerate() {
            needed[i] = match instr {
                Instr::Input(j) | Instr::Field(_, j, _) => flows(self.leaves[*j]),
                Instr::Unary(f, a) => !is_flat(f) && needed[*a],
                Instr::Binary(f, a, b) => !is_flat(f) && (needed[*a] || needed[*b]),
                Instr::Select(_, a, b) => needed[*a] || needed[*b],
                _ => false,
            };
        }
        let mut adjoints: Vec<Option<Value>> = vec![None; self.instrs.len()];
        adjoints[root] = Some(back.push(Instr::Input(self.leaves.len())));
        let mut outputs = Vec::new();
        let mut leaves = Vec::new();
        for y in (0..self.instrs.len()).rev() {
            let Some(dy) = adjoints[y].filter(|_| needed[y]) else { continue };
            let contributions = match self.instrs[y].clone() {
                Instr::Input(j) | Instr::Field(_, j, _) => {
                    outputs.push(dy);
                    leaves.push(self.leaves[j]);
                    Vec::new()
                }
                Instr::Unary(f, x) => vec![(x, back.unary_gradient(f, x, y, dy))],
                Instr::Binary(f, a, b) => {
                    let mut both = Vec::new();
                    if needed[a] {
                        both.push((a, back.left_gradient(f, a, b, dy)));
                    }
                    if needed[b] {
                        both.push((b, back.right_gradient(f, a, b, y, dy)));
                    }
                    both
                }
                Instr::Select(c, a, b) => {
                    let zero = back.constant(0.0);
                    let left = back.push(Instr::Select(c, dy, zero));
                    let right = back.push(Instr::Select(c, zero, dy));
                    vec![(a, left), (b, right)]
                }
                _ => Vec::new(),
            };
            for (x, dx) in contributions.into_iter().filter(|(x, _)| needed[*x]) {
                adjoints[x] = Some(match adjoints[x] {
                    Some(sum) => back.binary("Add", sum, dx),
                    None => dx,
                });
            }
        }
        back.outputs = outputs;
        back.sweep();
        (back, leaves)
    }

    /// `f'(x) dy`, where `y = f(x)`.
    fn unary_gradient(&mut self, f: &str, x: Value, y: Value, dy: Value) -> Value {
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
    fn left_gradient(&mut self, f: &str, a: Value, b: Value, dy: Value) -> Value {
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
    fn right_gradient(&mut self, f: &str, a: Value, b: Value, y: Value, dy: Value) -> Value {
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

    /// Drops instructions that no output needs.
    fn sweep(&mut self) {
        let mut needed = vec![false; self.instrs.len()];
        self.outputs.iter().for_each(|o| needed[*o] = true);
        for i in (0..self.instrs.len()).rev() {
            if needed[i] {
                self.instrs[i].uses().into_iter().for_each(|u| needed[u] = true);
            }
        }
        let (mut new, mut kept) = (vec![0; self.instrs.len()], Vec::new());
        for (i, instr) in self.instrs.iter().enumerate().filter(|(i, _)| needed[*i]) {
            new[i] = kept.len();
            kept.push(instr.renumbered(&new));
        }
        self.instrs = kept;
        self.outputs.iter_mut().for_each(|o| *o = new[*o]);
    }

    pub(super) fn len(&self) -> usize {
        self.instrs.len()
    }

    /// Expands to: a `&'static Program`.
    pub(super) fn tokens(&self) -> TokenStream {
        let program = self.program(false);
        quote!(const { &#program })
    }

    /// Expands to: a `Program` whose numbers are constants.
    pub(super) fn constant_tokens(&self) -> TokenStream {
        self.program(true)
    }

    fn program(&self, constant: bool) -> TokenStream {
        let instrs = self.instrs.iter().map(|instr| {
            let id = |v: &Value| proc_macro2::Literal::u16_unsuffixed(*v as u16);
            let name = |f: &str| Ident::new(f, proc_macro2::Span::call_site());
            match instr {
                Instr::Input(i) => {
                    let i = proc_macro2::Literal::u8_unsuffixed(*i as u8);
                    quote!(::keras::rt::Instr::Input(#i))
                }
                Instr::Field(field, input, scalar) => {
                    let (text, input, scalar) = (field.to_string(), *input as u8, *scalar as u8);
                    quote!(::keras::rt::read_field(Self::__is_weight(#text), #input, #scalar))
                }
                Instr::Scalar(i) if constant => {
                    let number = &self.numbers[*i];
                    quote!(::keras::rt::Instr::Const((#number) as f64))
                }
                Instr::Scalar(i) => {
                    let i = proc_macro2::Literal::u8_unsuffixed(*i as u8);
                    quote!(::keras::rt::Instr::Scalar(#i))
                }
                Instr::Const(c) => quote!(::keras::rt::Instr::Const(#c)),
                Instr::Unary(f, a) => {
                    let (f, a) = (name(f), id(a));
                    quote!(::keras::rt::Instr::Unary(::keras::rt::Unary::#f, #a))
                }
                Instr::Binary(f, a, b) => {
                    let (f, a, b) = (name(f), id(a), id(b));
                    quote!(::keras::rt::Instr::Binary(::keras::rt::Binary::#f, #a, #b))
                }
                Instr::Select(a, b, c) => {
                    let (a, b, c) = (id(a), id(b), id(c));
                    quote!(::keras::rt::Instr::Select(#a, #b, #c))
                }
            }
        });
        let outputs = self.outputs.iter().map(|o| proc_macro2::Literal::u16_unsuffixed(*o as u16));
        quote!(::keras::rt::Chain { instrs: &[#(#instrs),*], outputs: &[#(#outputs),*] })
    }
}
