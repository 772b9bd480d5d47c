use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[weight([4], init = Zeroes)]
    gate: Weight,
}

fn main() {}
