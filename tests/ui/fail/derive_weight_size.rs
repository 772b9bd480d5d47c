use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    units: usize,
    #[weight([input.last(), unit])]
    gate: Weight,
}

fn main() {}
