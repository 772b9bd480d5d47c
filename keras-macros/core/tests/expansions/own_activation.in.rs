/// A gate with a slope.
#[activation]
pub fn swoosh(x: Tensor) -> Tensor {
    x * sigmoid(2.0 * x)
}
