use keras::prelude::*;

model! {
    Net([32]) -> [32] = []
}

fn main() {}
