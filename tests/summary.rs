//! A model's summary is what Keras prints: `fixtures/summaries.txt`, written by `fixtures/summaries.py`.

use keras::model::Summary;
use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(128), Dropout(0.2), Dense(10)]
}
model! {
    Ranker(user: [32], item: [32]) -> (both: [9], x: [128]) {
        let shared = Dense(64);
        let x = concat(shared(user), shared(item));
        let score = Dense(1)(x);
        let late = Dense(8)(item);
        (concat(score, late), x)
    }
}
model! { Tower([6, 8]) -> [6, 8] = [Dense(8), BatchNormalization(), Dense(8)] }
model! { Inner(x: [6, 8]) -> [6, 8] { let tower = Tower(trainable = false); add(tower(x), x) } }
model! {
    Outer(x: [6, 8]) -> (y: [4], h: [4], c: [4]) {
        let inner = Inner();
        LSTM(4, return_state = true)(inner(x))
    }
}

/// What Keras prints under this title.
fn expected(title: &str) -> String {
    let all = include_str!("fixtures/summaries.txt");
    let start = format!("## {title}\n");
    let from = all.find(&start).unwrap_or_else(|| panic!("no summary is called {title}")) + start.len();
    let rest = &all[from..];
    rest[..rest.find("## ").unwrap_or(rest.len())].to_string()
}

fn check(title: &str, summary: &Summary) {
    let text = summary.to_string();
    let lines = text.lines().map(str::trim_end);
    // Keras knows nothing of memory.
    let ours: Vec<&str> = lines.filter(|line| !line.starts_with(" Memory per sample: ")).collect();
    assert_eq!(ours.join("\n"), expected(title).trim_end(), "{title}:\n{text}");
}

#[test]
fn sequential() -> keras::Result<()> {
    let model = Model::<Mlp>::new(Device::default());
    check("mlp", &model.summary());
    check("mlp 60", &model.summary().line_length(60));
    check("mlp 100 trainable", &model.summary().line_length(100).show_trainable(true));
    check("mlp range", &model.summary().layer_range("dense", "dropout"));
    let mut model = model.compile(Adam::new(1e-3), MeanSquaredError::new(), metrics![]);
    check("mlp", &model.summary());
    model.train_on_batch(&Batch::<D3<28, 28, 1>>::zeros(2), &Batch::<D1<10>>::zeros(2))?;
    check("mlp compiled", &model.summary());
    Ok(())
}

#[test]
fn functional() {
    let model = Model::<Ranker>::new(Device::default());
    check("ranker", &model.summary());
    check("ranker 60", &model.summary().line_length(60));
    check("ranker 120 trainable", &model.summary().line_length(120).show_trainable(true));
}

#[test]
fn nested() {
    let model = Model::<Outer>::new(Device::default());
    check("outer", &model.summary());
    check("outer expanded", &model.summary().expand_nested(true));
    check("outer expanded trainable", &model.summary().expand_nested(true).show_trainable(true));
}

#[test]
fn memory() {
    let model = Model::<Mlp>::new(Device::default());
    let kilobytes = |floats: usize| format!("{:.2} KB", floats as f64 * 4.0 / 1024.0);
    let line = format!(
        " Memory per sample: {} to predict, {} to train\n",
        kilobytes(Mlp::PEAK),
        kilobytes(Mlp::TRAIN_PEAK)
    );
    assert!(model.summary().to_string().ends_with(&line), "{}", model.summary());
    // Flatten shares the memory of its input: predicting takes the image and the widest layer.
    assert_eq!(Mlp::PEAK, 784 + 128);
}
