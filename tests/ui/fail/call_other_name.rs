use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        permute(x, [0, 2, 1])
    }
}

fn main() {}
