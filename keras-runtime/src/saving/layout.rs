//! Where each variable of a model lies in a weights file.

use std::collections::HashMap;

use super::order::{Entry, entries};
use crate::engine::{Body, Definition};

/// An object of a model that has a group in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// The group's path.
    pub path: Vec<String>,
    /// Its name in Keras, after those of the models around it. The model itself has none around it.
    pub names: Vec<String>,
    /// Which leaf of the network it is; `None` for models and inputs.
    pub leaf: Option<usize>,
}

impl Place {
    /// Its name in Keras.
    pub fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// The objects of a model in the order in which Keras stores them.
pub(crate) fn places(definition: &Definition) -> Vec<Place> {
    let mut out = Vec::new();
    walk(definition, &[], &[], 0, &mut out);
    out[0].names.push(definition.name.clone());
    out
}

fn walk(definition: &Definition, path: &[String], names: &[String], first_leaf: usize, out: &mut Vec<Place>) {
    out.push(Place { path: path.to_vec(), names: names.to_vec(), leaf: None });
    // Leaves are numbered in order of creation.
    let mut leaf = first_leaf;
    let mut first_leaves = Vec::with_capacity(definition.members.len());
    for member in &definition.members {
        first_leaves.push(leaf);
        leaf += leaves(&member.body);
    }
    let mut used: HashMap<String, usize> = HashMap::new();
    for entry in entries(definition) {
        let class = match entry {
            Entry::Input(_) => "InputLayer",
            Entry::Member(at) if definition.members[at].is_operation() => continue,
            Entry::Member(at) => definition.members[at].class_name(),
        };
        let key = unique(&mut used, snake_case(class));
        let path = [path, &["layers".to_string(), key]].concat();
        let name = match entry {
            Entry::Input(at) => &definition.inputs[at].name,
            Entry::Member(at) => &definition.members[at].name,
        };
        let names = [names, std::slice::from_ref(name)].concat();
        match entry {
            Entry::Input(_) => out.push(Place { path, names, leaf: None }),
            Entry::Member(at) => match &definition.members[at].body {
                Body::Layer(_) => out.push(Place { path, names, leaf: Some(first_leaves[at]) }),
                Body::Model(model) if model.each_step => {
                    out.push(Place { path: path.clone(), names: names.clone(), leaf: None });
                    let (path, names) = (
                        [&path[..], &["layer".into()]].concat(),
                        [&names[..], std::slice::from_ref(&model.name)].concat(),
                    );
                    walk(model, &path, &names, first_leaves[at], out);
                }
                Body::Model(model) => walk(model, &path, &names, first_leaves[at], out),
            },
        }
    }
}

fn leaves(body: &Body) -> usize {
    match body {
        Body::Layer(_) => 1,
        Body::Model(model) => model.members.iter().map(|member| leaves(&member.body)).sum(),
    }
}

/// `dense`, `dense_1`, `dense_2`, ...
fn unique(used: &mut HashMap<String, usize>, key: String) -> String {
    let count = used.entry(key.clone()).or_insert(0);
    *count += 1;
    if *count == 1 { key } else { format!("{key}_{}", *count - 1) }
}

/// The group key of a class, as Keras makes it: `Conv2DTranspose` is `conv2d_transpose`.
pub(crate) fn snake_case(class: &str) -> String {
    // Two classes whose Python names differ from those in the JSON.
    let class = if class == "GroupQueryAttention" { "GroupedQueryAttention" } else { class };
    let letters: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    // (.)([A-Z][a-z]+) -> \1_\2
    let mut split = Vec::with_capacity(letters.len() + 8);
    let mut i = 0;
    while i < letters.len() {
        split.push(letters[i]);
        let word = &letters[i + 1..];
        let lower = word.iter().skip(1).take_while(|c| c.is_ascii_lowercase()).count();
        if word.first().is_some_and(char::is_ascii_uppercase) && lower > 0 {
            split.push('_');
            split.extend(&word[..=lower]);
            i += lower + 1;
        }
        i += 1;
    }
    // ([a-z])([A-Z]) -> \1_\2
    let mut out = String::with_capacity(split.len() + 4);
    for (i, c) in split.iter().enumerate() {
        if i > 0 && c.is_ascii_uppercase() && split[i - 1].is_ascii_lowercase() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_keys() {
        // From files that Keras 3.15 wrote.
        for (class, key) in [
            ("Dense", "dense"),
            ("Conv2D", "conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("LSTM", "lstm"),
            ("GRUCell", "gru_cell"),
            ("PReLU", "p_re_lu"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("ELU", "elu"),
            ("RMSNormalization", "rms_normalization"),
            ("SimpleRNNCell", "simple_rnn_cell"),
            ("GroupQueryAttention", "grouped_query_attention"),
            ("InputLayer", "input_layer"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("STFTSpectrogram", "stft_spectrogram"),
        ] {
            assert_eq!(snake_case(class), key);
        }
    }
}
