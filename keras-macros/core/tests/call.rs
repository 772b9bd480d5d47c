//! What `#[call]` says about mistakes, and what it makes of chains.

use std::str::FromStr;

use proc_macro2::TokenStream;

/// The errors in the expansion of `call` with this body, in order.
fn errors(signature: &str, body: &str) -> Vec<String> {
    let item = format!("impl Own {{ fn call{signature} {{ {body} }} }}");
    let expanded = keras_macros_core::call::expand(TokenStream::from_str(&item).expect("Rust tokens"));
    let file: syn::File = syn::parse2(expanded).expect("the expansion is a file");
    let errors = file.items.iter().filter_map(|item| match item {
        syn::Item::Macro(m) if m.mac.path.segments.last()?.ident == "compile_error" => {
            Some(syn::parse2::<syn::LitStr>(m.mac.tokens.clone()).expect("a message").value())
        }
        _ => None,
    });
    errors.collect()
}

#[test]
fn one_mistake_one_error() {
    let table = [
        ("exp(x) < 1.0", "not an operator of tensors: use `less(a, b)`"),
        ("sigmiod(x)", "`sigmiod` is not a function of `keras::ops`; did you mean `sigmoid`?"),
        ("permute(x, [0, 2, 1])", "`permute` is not a function of `keras::ops`; did you mean `transpose`?"),
        ("matmul(x)", "`matmul` takes (a, b), found 1 argument"),
        (
            "sum(x, -1, true)",
            "`sum` takes (x, axes), found 3 arguments; `sum(x, keepdims(axes))` keeps the axes",
        ),
        ("sum(x)", "`sum` takes (x, axes), found 1 argument; `sum(x, [])` reduces all axes"),
        ("exp(2.0)", "expected a tensor, found a number"),
        ("exp(x);", "`call` must end with a tensor: remove this `;`"),
        ("x.exp()", "a tensor has no method `exp`: write `exp(..)`: operations are functions"),
        (
            "self.half(x)",
            "other methods cannot be called: the gradient of their body is not known here; use a block or a layer of its own",
        ),
        ("let y = split(x, -1); x", "name the parts: `let [a, b] = split(x, axis);`"),
        (
            "argmax(x, -1) * 2.0",
            "`argmax` is an integer, to which no gradient flows: say so with `cast(argmax(..), DType::F32)`",
        ),
        (
            "x * greater(x, 0.0)",
            "`greater` has no gradient, and one is needed here: make it the condition of `where_(..)`, or say that none flows with `cast(greater(..), DType::F32)`",
        ),
        (
            "round(matmul(x, self.w)) + x",
            "`round` has no gradient, and one is needed here: say that none flows with `stop_gradient(round(..))`",
        ),
        (
            "sign(x)",
            "`sign` has no gradient, and one is needed here: say that none flows with `stop_gradient(sign(..))`",
        ),
        ("exp(xx)", "there is no variable `xx` here; did you mean `x`?"),
        ("x * units", "there is no variable `units` here"),
        ("einsum(x, x, x)", "expected the equation as text, such as `\"abc,cd->abd\"`"),
        ("(x, x)", "`call` says that it returns 1 tensor, this is 2"),
        (
            "for i in 0..3 { x = exp(x); } x",
            "`call` has no loops: the gradient is straight-line code; write the steps out",
        ),
        ("match self.kind { _ => x }", "`match` is not understood here: use `if` on the layer's options"),
        ("reshape(x, [-1, x])", "expected a number, found a tensor"),
        ("y = x; x", "there is no variable `y` here; did you mean `x`?"),
        ("slice(x, 1, 0..=3)", "expected a range without its end, `start..end`"),
        (
            "if x { x } else { x }",
            "the condition of `if` depends on the layer's options, not on tensors: use `where_(condition, a, b)`",
        ),
    ];
    for (body, message) in table {
        assert_eq!(errors("(&self, x: Tensor) -> Tensor", body), [message], "{body}");
    }
}

#[test]
fn independent_mistakes_are_all_reported() {
    let found = errors("(&self, x: Tensor) -> Tensor", "let a = expp(x); let b = tahn(x); a + b");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn signatures() {
    let table = [
        ("(&self, x: f32) -> Tensor", "an argument of `call` is a `Tensor`; options are fields of the layer"),
        (
            "(&self) -> Tensor",
            "`call` needs an input: `fn call(&self, x: Tensor) -> Tensor`, with one or more tensors on both sides",
        ),
        (
            "(self, x: Tensor) -> Tensor",
            "`call` takes `&self`: `fn call(&self, x: Tensor) -> Tensor`, with one or more tensors on both sides",
        ),
        (
            "(&self, x: Tensor) -> f32",
            "`call` returns tensors: `fn call(&self, x: Tensor) -> Tensor`, with one or more tensors on both sides",
        ),
    ];
    for (signature, message) in table {
        assert_eq!(errors(signature, "x"), [message], "{signature}");
    }
}

/// How many passes over memory forward and backward of this body are.
fn passes(body: &str) -> (usize, usize) {
    let item = format!("impl Own {{ fn call(&self, x: Tensor) -> Tensor {{ {body} }} }}");
    let text =
        keras_macros_core::call::expand(TokenStream::from_str(&item).expect("Rust tokens")).to_string();
    let count = |what: &str| text.matches(what).count();
    (
        count("__frame . chain (") + count("__frame . forward ("),
        count("__frame . chain_backward (") + count("__frame . backward ("),
    )
}

#[test]
fn elementwise_functions_are_one_pass() {
    assert_eq!(passes("sigmoid(x) * tanh(x) + 2.0 * x"), (1, 1));
    assert_eq!(passes("let y = silu(x); y * y + gelu(y)"), (1, 1));
    // A product has two inputs that are computed, and is a pass of its own.
    assert_eq!(passes("relu(matmul(exp(x), self.w) + self.b)"), (3, 3));
    // What depends on weights alone is not computed again for each sample.
    assert_eq!(passes("x * exp(self.scale)"), (2, 2));
    // No gradient flows, no pass.
    assert_eq!(passes("x + stop_gradient(softmax(x, -1))"), (2, 1));
    // Reshapes share memory.
    assert_eq!(passes("exp(expand_dims(x, 1))"), (1, 1));
}

#[test]
fn every_way_through_ifs_is_written() {
    let body = "let y = if self.a { exp(x) } else { x }; if self.b { y * y } else { y }";
    let item = format!("impl Own {{ fn call(&self, x: Tensor) -> Tensor {{ {body} }} }}");
    let text =
        keras_macros_core::call::expand(TokenStream::from_str(&item).expect("Rust tokens")).to_string();
    assert!(text.contains("__trace_3") && !text.contains("__trace_4"));
}

#[test]
fn activations_are_elementwise() {
    let message = |body: &str| {
        let item = format!("fn own(x: Tensor) -> Tensor {{ {body} }}");
        let expanded =
            keras_macros_core::call::expand_activation(TokenStream::from_str(&item).expect("Rust tokens"));
        expanded.to_string()
    };
    assert!(message("softmax(x, -1)").contains("`softmax` does not work element by element"));
    assert!(message("self.a * x").contains("an activation has no fields"));
    assert!(message("floor(x)").contains("`floor` has no gradient, and one is needed here"));
    assert!(message("x * sigmoid(x)").contains("Activation :: Custom"));
}
