use keras::prelude::*;

model! {
    Net([784]) -> [10] = [Conv2D(8, 3), Flatten, Dense(10)]
}

fn main() {}
