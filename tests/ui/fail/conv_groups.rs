use keras::prelude::*;

model! {
    Net([8, 8, 4]) -> [8, 8, 6] = [Conv2D(6, 3, padding = same, groups = 3)]
}

fn main() {}
