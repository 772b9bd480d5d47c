use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[weight(init = Zeros)]
    gate: Weight,
}

fn main() {}
