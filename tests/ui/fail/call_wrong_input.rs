use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[weight([16, 4])]
    gate: Weight,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        matmul(x, self.gate)
    }
}

model! {
    Net([8]) -> [4] = [Own]
}

fn main() {}
