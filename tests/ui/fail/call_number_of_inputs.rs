use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

#[call]
impl Own {
    fn call(&self, x: Tensor, y: Tensor) -> Tensor {
        x * y
    }
}

model! {
    Net(a: [8]) -> [8] {
        Own()(a)
    }
}

fn main() {}
