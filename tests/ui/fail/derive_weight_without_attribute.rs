use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    gate: Weight,
}

fn main() {}
