use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let tower = [Dense(64), Dens(10)]; tower(x) }
}

fn main() {}
