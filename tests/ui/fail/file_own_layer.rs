use keras::prelude::*;

#[derive(Layer, Clone, Copy)]
struct Gated {
    units: usize,
    #[config(default = true)]
    residual: bool,
    #[weight([input.last(), units], init = GlorotUniform)]
    gate: Weight,
}

#[call]
impl Gated {
    fn call(&self, x: Tensor) -> Tensor {
        let y = matmul(x, self.gate);
        if self.residual { y + x } else { y }
    }
}

#[derive(Layer, Clone, Copy)]
struct Shifted {
    by: f64,
}

#[call]
impl Shifted {
    fn call(&self, x: Tensor) -> Tensor {
        x + self.by
    }
}

#[activation]
fn swoosh(x: Tensor) -> Tensor {
    x * sigmoid(x)
}

#[activation]
fn bent(x: Tensor) -> Tensor {
    x + tanh(x)
}

model! {
    Net([5, 4]) -> [2] = "../../../../keras-macros/core/tests/imports/own_layers.json"
}

fn main() {}
