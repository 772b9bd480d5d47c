use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[weight([4], inti = Zeros)]
    gate: Weight,
}

fn main() {}
