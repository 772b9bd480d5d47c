//! A function of labels and predictions as a row formula: what a loss or metric computes for each row of a batch.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Error, Result};

use super::graph::{Graph, Kind, Node};

/// What a value has numbers for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// A number.
    Number,
    /// Every element.
    Element,
    /// Every row, with the last axis kept as 1.
    Kept,
    /// Every row, without the last axis.
    Row,
    /// The batch.
    Whole,
}

/// A function as statements over `__labels` and `__predictions`, of type `Expr`.
pub(super) struct Rows {
    pub statements: TokenStream,
    /// What the function returns.
    pub result: Ident,
    /// Whether the batch is one row.
    pub whole: bool,
}

/// What messages call the function, and whether it may use what has no gradient.
pub(super) struct Rules {
    pub name: &'static str,
    pub flat: bool,
}

impl Rows {
    /// The formula of a graph.
    pub(super) fn new(graph: &Graph, rules: &Rules) -> Result<Rows> {
        let mut writer =
            Writer { graph, rules, forms: Vec::new(), lines: Vec::new(), whole: None, sized: false };
        for (node, axis) in &graph.measured {
            writer.size(*node, axis)?;
        }
        for at in 0..graph.nodes.len() {
            let form = writer.node(at)?;
            writer.forms.push(form);
        }
        let result = graph.outputs[0];
        if writer.forms[result] == Form::Number {
            let message = "this is the same number for all labels and predictions";
            return Err(Error::new(graph.nodes[result].span, message));
        }
        let lines = writer.lines;
        Ok(Rows {
            statements: quote!(#(#lines)*),
            result: value(result),
            whole: writer.whole.is_some_and(|(whole, _)| whole),
        })
    }
}

fn value(node: usize) -> Ident {
    format_ident!("__{node}")
}

struct Writer<'g> {
    graph: &'g Graph,
    rules: &'g Rules,
    forms: Vec<Form>,
    lines: Vec<TokenStream>,
    /// Whether reductions are over all axes, and the first one.
    whole: Option<(bool, usize)>,
    sized: bool,
}

impl Writer<'_> {
    /// Expands to: `let __3 = ..;`
    fn node(&mut self, at: usize) -> Result<Form> {
        let node = &self.graph.nodes[at];
        let inputs: Vec<Ident> = node.inputs.iter().map(|i| value(*i)).collect();
        let name = |f: &str| Ident::new(f, Span::call_site());
        let (code, form) = match &node.kind {
            Kind::Input(0) => (quote!(__labels), Form::Element),
            Kind::Input(_) => (quote!(__predictions), Form::Element),
            Kind::Const(c) => (quote!(__predictions.constant(#c)), Form::Number),
            Kind::Scalar(number) => {
                (quote!(__predictions.constant(::keras::rt::Number::number(#number))), Form::Number)
            }
            Kind::Copy => (quote!(#(#inputs)*), self.joined(node)?),
            Kind::Stop => (quote!(#(#inputs)*.stop_gradient()), self.joined(node)?),
            Kind::Unary(f) => {
                let f = name(f);
                (quote!(#(#inputs)*.unary(::keras::rt::Unary::#f)), self.joined(node)?)
            }
            Kind::Binary(f) => {
                let (f, a, b) = (name(f), &inputs[0], &inputs[1]);
                (quote!(#a.binary(::keras::rt::Binary::#f, #b)), self.joined(node)?)
            }
            Kind::Select => {
                let (c, a, b) = (&inputs[0], &inputs[1], &inputs[2]);
                (quote!(#c.select(#a, #b)), self.joined(node)?)
            }
            Kind::Field(_) => unreachable!("functions have no fields"),
            Kind::Alias(tokens) => (quote!(#(#inputs)*), self.reshaped(node, tokens)?),
            Kind::Op(..) => self.along(at)?,
        };
        let to = value(at);
        self.lines.push(quote!(let #to = #code;));
        Ok(form)
    }

    fn refused(&self, node: &Node) -> Error {
        let message = format!(
            "`{}` cannot stand in {}, which is computed row by row: with elementwise functions, and with reductions and softmax \
             over the last axis, -1",
            node.what, self.rules.name
        );
        Error::new(node.span, message)
    }

    /// The form of an elementwise function of the inputs.
    fn joined(&self, node: &Node) -> Result<Form> {
        let mut form = Form::Number;
        for input in &node.inputs {
            form = match (form, self.forms[*input]) {
                (Form::Number, other) | (other, Form::Number) => other,
                (Form::Whole, other) | (other, Form::Whole) => other,
                (a, b) if a == b => a,
                (Form::Element | Form::Kept, Form::Element | Form::Kept) => Form::Element,
                _ => {
                    let message = format!(
                        "one side of `{}` has no last axis any more, the other has: reduce with `keepdims(-1)` to keep it",
                        node.what
                    );
                    return Err(Error::new(node.span, message));
                }
            };
        }
        Ok(form)
    }

    /// `expand_dims(x, -1)` of what lost its last axis, and back.
    fn reshaped(&self, node: &Node, tokens: &TokenStream) -> Result<Form> {
        let last = tokens.to_string().replace(' ', "").contains("axis:-1}");
        match (node.what.as_str(), self.forms[node.inputs[0]]) {
            ("expand_dims", Form::Row) if last => Ok(Form::Kept),
            ("squeeze", Form::Kept) if last => Ok(Form::Row),
            _ => Err(self.refused(node)),
        }
    }

    /// A reduction, a softmax, where the largest is.
    fn along(&mut self, at: usize) -> Result<(TokenStream, Form)> {
        let node = &self.graph.nodes[at];
        let Some(along) = &node.along else { return Err(self.refused(node)) };
        let axes: Vec<String> = along.axes.iter().map(|a| a.to_string().replace(' ', "")).collect();
        let whole = match &axes[..] {
            [] => true,
            [one] if one == "-1" => false,
            _ => {
                let message = format!(
                    "{} reduces the last axis, `{what}(x, -1)`, or all of them, `{what}(x, [])`: it does not know how many \
                     axes there will be",
                    self.rules.name,
                    what = node.what
                );
                return Err(Error::new(node.span, message));
            }
        };
        let x = value(node.inputs[0]);
        if self.forms[node.inputs[0]] != Form::Element {
            let message = format!("what `{}` is given has no elements in a row to go over", node.what);
            return Err(Error::new(node.span, message));
        }
        let (code, reduced) = match node.what.as_str() {
            "sum" => (quote!(#x.sum()), true),
            "mean" => (quote!(#x.mean()), true),
            "max" => (quote!(#x.row_max()), true),
            "min" => (quote!(#x.row_min()), true),
            "logsumexp" => (quote!(#x.logsumexp()), true),
            "softmax" => (quote!(#x.softmax()), false),
            "log_softmax" => (quote!(#x.log_softmax()), false),
            "argmax" if self.rules.flat => (quote!(#x.row_argmax()), true),
            "argmin" if self.rules.flat => (quote!((-#x).row_argmax()), true),
            _ => return Err(self.refused(node)),
        };
        match self.whole {
            Some((before, _)) if before != whole => {
                let message = "reductions over the last axis and over all axes cannot go together here";
                return Err(Error::new(node.span, message));
            }
            _ if whole && self.sized => {
                let message = "a function that reduces all axes cannot ask for the size of one";
                return Err(Error::new(node.span, message));
            }
            _ => self.whole = Some((whole, at)),
        }
        Ok(match (reduced, whole, along.keepdims) {
            (false, ..) => (code, Form::Element),
            (true, true, _) => (code, Form::Whole),
            (true, false, true) => (code, Form::Kept),
            (true, false, false) => (code, Form::Row),
        })
    }

    /// Expands to: the slot that `x.dim(-1)` asks for; the size is that of a row whatever `x` is.
    fn size(&mut self, node: usize, axis: &syn::Expr) -> Result<()> {
        if quote!(#axis).to_string().replace(' ', "") != "-1" {
            let message = format!("{} knows the size of the last axis alone: `dim(-1)`", self.rules.name);
            return Err(Error::new_spanned(axis, message));
        }
        let slot = format_ident!("__SLOT_{node}");
        if !self.sized {
            self.lines.push(quote!(let __trace = ::keras::rt::RowSize::of(__predictions);));
        }
        self.sized = true;
        self.lines.push(quote!(#[allow(unused, non_upper_case_globals)] const #slot: usize = 0;));
        Ok(())
    }
}
