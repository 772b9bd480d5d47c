use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[config(default = true)]
    residual: bool,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        if self.residual { exp(x) + x } else { exp(x) }
    }
}

model! {
    Net([8]) -> [8] = [Own(residul = false)]
}

fn main() {}
