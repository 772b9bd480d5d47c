use keras::prelude::*;

model! { Words([i32; 20]) -> [20, 4] = [Embedding(10, 4)] }

model! {
    Net(x: [20]) -> [20, 4] { Words()(x) }
}

fn main() {}
