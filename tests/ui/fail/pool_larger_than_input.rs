use keras::prelude::*;

model! {
    Net([3, 3, 8]) -> [8] = [MaxPooling2D(4), Flatten]
}

fn main() {}
