use keras::prelude::*;

model! {
    Net(x: [20, 8]) -> [20, 4] { TimeDistributed(x)(x) }
}

fn main() {}
