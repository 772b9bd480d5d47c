use keras::prelude::*;

model! {
    Net([8, 8, 10]) -> [8, 8, 10] = [GroupNormalization(groups = 4)]
}

fn main() {}
