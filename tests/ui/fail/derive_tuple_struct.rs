use keras::prelude::*;

#[derive(Layer, Clone)]
struct Own(usize);

fn main() {}
