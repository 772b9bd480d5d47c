use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        let hidden = tanh(x);
        hiden * x
    }
}

fn main() {}
