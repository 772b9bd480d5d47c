use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own {
    #[config(defualt = true)]
    residual: bool,
}

fn main() {}
