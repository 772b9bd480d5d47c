use keras::prelude::*;

model! {
    Net([8, 8, 1]) -> [8, 8, 8] = [Conv2D(8, 0)]
}

fn main() {}
