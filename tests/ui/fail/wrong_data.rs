use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10)]
}

fn predict<M: keras::model::Architecture>(_: &M::Input) {}

fn main() {
    let x: Batch<D3<32, 32, 1>> = Batch::zeros(4);
    predict::<Mlp>(&x);
}
