use keras::prelude::*;

#[derive(Layer, Clone)]
pub struct Gated {
    units: usize,
}

model! {
    Net([8]) -> [8] = [Gated(8)]
}

fn main() {}
