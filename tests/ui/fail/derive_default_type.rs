use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[config(default = "yes")]
    residual: bool,
}

fn main() {}
