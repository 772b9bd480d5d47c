use keras::prelude::*;

#[derive(Layer, Clone, Copy)]
struct Gated {
    units: usize,
    #[config(default = true)]
    residual: bool,
    #[weight([input.last(), units], init = GlorotUniform)]
    gate: Weight,
}

#[call]
impl Gated {
    fn call(&self, x: Tensor) -> Tensor {
        let y = matmul(x, self.gate);
        if self.residual { y + x } else { y }
    }
}

model! {
    Missing([8]) -> [8] = [Gated { residual: true }]
}

model! {
    Unknown([8]) -> [8] = [Gated { units: 8, residul: true }]
}

model! {
    Rest([8]) -> [8] = [Gated { units: 8, ..other }]
}

fn main() {}
