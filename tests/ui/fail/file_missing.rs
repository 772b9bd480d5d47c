use keras::prelude::*;

model! {
    Net([32]) -> [10] = "net.keras"
}

fn main() {}
