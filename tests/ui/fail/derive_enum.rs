use keras::prelude::*;

#[derive(Layer, Clone)]
enum Own {
    Small,
}

fn main() {}
