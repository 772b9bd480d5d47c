//! The number of threads changes no bit of any model: losses, metrics, weights, predictions.

use keras::prelude::*;

mod zoo;

/// Names of models, and all their numbers as bits.
fn numbers(threads: usize) -> Vec<(&'static str, Vec<u64>)> {
    let mut all = Vec::new();
    every_model!(Device::cpu_with_threads(threads), |name, model, x, y| {
        let history = model.fit(&x, &y).epochs(3).batch_size(32).verbose(Verbose::Silent).run().unwrap();
        let mut numbers: Vec<u64> =
            history.iter().flat_map(|(_, values)| values).map(|v| v.to_bits()).collect();
        let network = model.network();
        numbers.extend(network.variables().iter().flat_map(|v| network.read(v)).map(f64::to_bits));
        numbers.extend(model.predict(&x).unwrap().into_vec().iter().map(|p| u64::from(p.to_bits())));
        all.push((name, numbers));
    });
    all
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let one = numbers(1);
    for threads in [2, 8] {
        for ((name, one), (_, several)) in one.iter().zip(numbers(threads)) {
            assert!(one.iter().all(|n| f64::from_bits(*n).is_finite()), "{name} diverges");
            assert!(*one == several, "{name} differs with {threads} threads");
        }
    }
}
