use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    fn head(_layer: keras::model::LayerRef<'_, Dense, D1<784>, D1<12>>) {}
    let model = Model::<Mlp>::new(Device::default());
    head(model.dense());
}
