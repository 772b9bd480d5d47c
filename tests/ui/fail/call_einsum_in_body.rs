use keras::prelude::*;

model! {
    Net(x: [8]) -> [8] {
        einsum("bi,bi->b", x, Dense(8)(x))
    }
}

fn main() {}
