use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        2.0 * round(x) + x
    }
}

fn main() {}
