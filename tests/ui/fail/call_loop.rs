use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        let mut y = x;
        for _ in 0..3 {
            y = tanh(y);
        }
        y
    }
}

fn main() {}
