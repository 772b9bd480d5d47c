use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

#[call]
impl Own {
    fn call(&self, x: Tensor, factor: f64) -> Tensor {
        x * factor
    }
}

fn main() {}
