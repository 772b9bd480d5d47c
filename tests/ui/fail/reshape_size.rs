use keras::prelude::*;

model! {
    Net([28, 28]) -> [10] = [Reshape([7, 100]), Flatten, Dense(10)]
}

fn main() {}
