use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[config(default = 2.0)]
    scale: f64,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        x * self.scal
    }
}

fn main() {}
