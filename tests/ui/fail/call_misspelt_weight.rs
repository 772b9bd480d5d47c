use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    units: usize,
    #[weight([input.last(), units])]
    gate: Weight,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        matmul(x, self.gat)
    }
}

fn main() {}
