use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

impl Own {
    fn half(&self, x: Tensor) -> Tensor {
        x * 0.5
    }
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        self.half(x)
    }
}

fn main() {}
