use keras::prelude::*;

model! {
    Net<const N: usize = 10>([4]) -> _ = [Dense(N)]
}

fn main() {}
