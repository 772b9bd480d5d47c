use keras::prelude::*;

model! {
    Net<const N: usize = 4>([32]) -> [N * 2] = [Dense(N * 2)]
}

fn main() {}
