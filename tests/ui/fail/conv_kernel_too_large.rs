use keras::prelude::*;

model! {
    Net([3, 3, 1]) -> [8] = [Conv2D(8, 5), Flatten]
}

fn main() {}
