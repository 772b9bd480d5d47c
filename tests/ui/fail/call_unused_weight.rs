use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    units: usize,
    #[weight([input.last(), units])]
    gate: Weight,
    #[weight([units], init = Zeros)]
    bias: Weight,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        matmul(x, self.gate)
    }
}

fn main() {}
