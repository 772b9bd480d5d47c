use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    units: usize,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        match self.units {
            0 => x,
            _ => exp(x),
        }
    }
}

fn main() {}
