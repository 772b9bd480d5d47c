use keras::prelude::*;

model! {
    Net([28, 28]) -> [10] = [Conv2D(8, 3), Flatten, Dense(10)]
}

fn main() {}
