use keras::prelude::*;

model! {
    Net([8, 8, 1]) -> [6, 6, 4] = [Conv2D(4, (3, 3, 3))]
}

fn main() {}
