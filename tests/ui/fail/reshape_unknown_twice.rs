use keras::prelude::*;

model! {
    Net([8, 8]) -> [64] = [Reshape([-1, -1]), Flatten]
}

fn main() {}
