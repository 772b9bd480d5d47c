use keras::prelude::*;

model! {
    Net([32]) -> [32] = [BatchNormalization(axis = 3)]
}

fn main() {}
