use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(10, kernel_regularizer = L3(0.1))]
}

fn main() {}
