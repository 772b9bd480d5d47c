use keras::prelude::*;

model! {
    Net([4, 4, 1]) -> [1] = [Cropping2D(2), Flatten]
}

fn main() {}
