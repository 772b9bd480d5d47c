use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    units: usize,
    #[weight([input.last(), units])]
    gate: Weight,
}

#[call]
impl Own {
    fn call(&self, x: Tensor) -> Tensor {
        einsum("bi,ij", x, self.gate)
    }
}

fn main() {}
