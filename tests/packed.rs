//! Recurrent layers read packed forms of their weights. Whatever changes weights, the next pass sees the new ones.

use std::path::Path;

use keras::model::Compiled;
use keras::prelude::*;

mod zoo;

model! {
    pub Recurrent([6, 5]) -> [2] = [
        Bidirectional(LSTM(4, return_sequences = true)),
        GRU(3, return_sequences = true),
        GRU(3, reset_after = false, return_sequences = true),
        SimpleRNN(3),
        Dense(2),
    ]
}

type Sequences = Batch<D2<6, 5>>;
type Targets = Batch<D1<2>>;

fn model(seed: u64) -> Model<Recurrent> {
    Model::with_seed(Device::cpu_with_threads(1), seed)
}

/// What a network that has packed nothing yet predicts with the same weights.
fn fresh(of: &Model<Recurrent>, x: &Sequences) -> Vec<f32> {
    let mut model = model(99);
    model.set_weights(&of.get_weights()).unwrap();
    model.predict(x).unwrap().into_vec()
}

/// Changes the weights of a model that has predicted, and compares its next prediction with a fresh model's.
#[track_caller]
fn seen(name: &str, mut change: impl FnMut(&mut Model<Recurrent>)) {
    let (mut model, x) = (model(1), zoo::floats::<D2<6, 5>>(3));
    let before = model.predict(&x).unwrap().into_vec();
    assert!(before.iter().all(|y| y.is_finite() && *y != 0.0), "{before:?}");
    change(&mut model);
    let expected = fresh(&model, &x);
    assert_ne!(before, expected, "{name} changes nothing");
    assert_eq!(model.predict(&x).unwrap().into_vec(), expected, "{name}");
}

#[test]
fn every_way_to_change_weights_is_seen() {
    seen("set_weights", |m| m.set_weights(&model(2).get_weights()).unwrap());
    seen("a layer's set_weights", |m| {
        m.gru_mut().set_weights(&model(2).gru().get_weights()).unwrap();
    });
    seen("a layer's set_weights by name", |m| {
        let values = model(2).layer("bidirectional").unwrap().get_weights();
        m.layer_mut("bidirectional").unwrap().set_weights(&values).unwrap();
    });
    seen("Network::write", |m| {
        let network = m.network_mut();
        let recurrent = |v: &keras::engine::Variable| v.path().ends_with("recurrent_kernel");
        let at = network.variables().iter().position(recurrent).unwrap();
        let size = network.variables()[at].size();
        network.write(at, &vec![0.25; size]).unwrap();
    });
    seen("initialize", |m| {
        m.set_weights(&model(2).get_weights()).unwrap();
        m.predict(&zoo::floats::<D2<6, 5>>(1)).unwrap();
        m.network_mut().initialize();
        // Other numbers than the first, so that there is a difference to see.
        m.network_mut().write(0, &[0.5; 80]).unwrap();
    });
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packed.weights.h5");
    seen("load_weights", |m| {
        model(2).save_weights(&file).unwrap();
        m.load_weights(&file).unwrap();
    });
}

#[test]
fn fresh_numbers_are_packed_anew() {
    let (mut model, x) = (model(1), zoo::floats::<D2<6, 5>>(3));
    let first = model.predict(&x).unwrap();
    model.set_weights(&self::model(2).get_weights()).unwrap();
    assert_ne!(model.predict(&x).unwrap(), first);
    model.network_mut().initialize();
    assert_eq!(model.predict(&x).unwrap(), first);
}

/// Training steps, each followed by a prediction, and what the ends of `fit` do.
#[test]
fn every_step_is_seen() {
    let (x, y) = (zoo::floats::<D2<6, 5>>(20), zoo::floats::<D1<2>>(20));
    let check = |model: &mut Compiled<Recurrent, MeanSquaredError>, x: &Sequences, name: &str| {
        let found = model.predict(x).unwrap().into_vec();
        let mut other = self::model(99);
        other.set_weights(&model.get_weights()).unwrap();
        assert_eq!(found, other.predict(x).unwrap().into_vec(), "{name}");
        found
    };
    let mut model = model(1).compile(SGD::new(0.1), MeanSquaredError::new(), metrics![]);
    let mut last = check(&mut model, &x, "at first");
    for step in 0..3 {
        model.train_on_batch(&x, &y).unwrap();
        let now = check(&mut model, &x, "a step");
        assert_ne!(now, last, "step {step} changes nothing");
        last = now;
    }
    model.fit(&x, &y).epochs(2).batch_size(8).verbose(Verbose::Silent).run().unwrap();
    assert_ne!(check(&mut model, &x, "fit"), last);
    // The average of the weights takes their place when training ends.
    let adam = Adam::new(0.05).use_ema(true).ema_momentum(0.5);
    let mut model = self::model(1).compile(adam, MeanSquaredError::new(), metrics![]);
    check(&mut model, &x, "at first");
    model.fit(&x, &y).epochs(2).batch_size(8).verbose(Verbose::Silent).run().unwrap();
    check(&mut model, &x, "the average");
    // The best weights come back.
    let mut model = self::model(1).compile(SGD::new(3.0), MeanSquaredError::new(), metrics![]);
    let stopping = EarlyStopping::new("loss").patience(1).restore_best_weights(true);
    let fit = model.fit(&x, &y).epochs(9).batch_size(8).callback(stopping);
    fit.verbose(Verbose::Silent).run().unwrap();
    check(&mut model, &x, "the best weights");
}

/// The other way round: numbers written behind the network's back are not seen until it is told. So packed forms are in use, and
/// the tests above can fail.
#[test]
fn packed_forms_are_in_use() {
    let (mut model, x) = (model(1), zoo::floats::<D2<6, 5>>(3));
    let first: Targets = model.predict(&x).unwrap();
    let network = model.network_mut();
    let recurrent = |v: &&keras::engine::Variable| v.path().ends_with("recurrent_kernel");
    for variable in network.variables().iter().filter(recurrent) {
        network.device().fill(0.125, network.view(variable));
    }
    assert_eq!(model.predict(&x).unwrap(), first);
    model.network_mut().weights_changed();
    let second = model.predict(&x).unwrap();
    assert_ne!(second, first);
    assert_eq!(second.into_vec(), fresh(&model, &x));
}
