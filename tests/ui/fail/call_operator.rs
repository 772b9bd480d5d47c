use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        where_(x > 0.0, x, 0.0)
    }
}

fn main() {}
