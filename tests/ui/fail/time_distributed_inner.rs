use keras::prelude::*;

model! {
    Net([5, 2, 2, 1]) -> [5, 4] = [TimeDistributed(Conv2D(4, 3)), Flatten]
}

fn main() {}
