/// A gate.
#[derive(Layer)]
pub struct Gated {
    units: usize,
    #[config(default = true)]
    residual: bool,
    #[weight([input.last(), units], init = GlorotUniform)]
    gate: Weight,
}

#[call]
impl Gated {
    fn call(&self, x: Tensor) -> Tensor {
        let y = x * sigmoid(matmul(x, self.gate));
        if self.residual { y + x } else { y }
    }
}
