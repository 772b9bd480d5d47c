use keras::prelude::*;

#[derive(Layer, Clone)]
pub struct Gated {
    units: usize,
    #[weight([input.last(), units], init = GlorotUniform)]
    gate: Weight,
}

#[call]
impl Gated {
    fn call(&self, x: Tensor) -> Tensor {
        x + sigmoid(matmul(x, self.gate))
    }
}

model! {
    Net([8]) -> [8] = [Gated]
}

fn main() {}
