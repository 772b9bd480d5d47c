use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[weight([4])]
    #[config(default = 1)]
    gate: Weight,
}

fn main() {}
