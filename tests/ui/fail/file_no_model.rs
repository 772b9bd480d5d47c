use keras::prelude::*;

model! {
    Net([32]) -> [10] = "Cargo.toml"
}

fn main() {}
