use keras::prelude::*;

model! {
    Net<T>([32]) -> [10] = [Dense(10)]
}

fn main() {}
