use keras::prelude::*;

model! {
    Wide<const HIDDEN: usize = 64>([784]) -> [10] = [Dense(HIDEN), Dense(10)]
}

fn main() {}
