//! Names: Keras' snake case, and identifiers made from names.

use std::collections::HashSet;

use proc_macro2::{Ident, Span};

/// A class name in snake case as Keras makes it: `Conv2DTranspose` becomes `conv2d_transpose`, `LSTM` `lstm`.
pub fn snake(class: &str) -> String {
    let c: Vec<char> = class.chars().filter(|c| c.is_alphanumeric() || *c == '_').collect();
    let lower = |i: usize| c.get(i).is_some_and(|c| c.is_lowercase());
    let mut out = String::new();
    for (i, ch) in c.iter().enumerate() {
        // Keras' two regular expressions: before a capital that lower case follows, and between lower case and a capital.
        if i > 0 && ch.is_uppercase() && (lower(i + 1) || lower(i - 1)) {
            out.push('_');
        }
        out.extend(ch.to_lowercase());
    }
    out
}

/// An identifier from a name that may not be one: other characters become `_`.
pub fn ident(name: &str, span: Span) -> Ident {
    let mut text: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    if !text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        text.insert(0, '_');
    }
    if text == "_" {
        text.push('_');
    }
    match syn::parse_str::<Ident>(&text) {
        Ok(_) => Ident::new(&text, span),
        // A keyword.
        Err(_) => Ident::new(&format!("{text}_"), span),
    }
}

/// Hands out names that are all different.
#[derive(Default)]
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// Takes exactly this name; false if it is taken already.
    pub fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_string())
    }

    /// `stem`, or `stem_1`, `stem_2`, ...: the first that is free.
    pub fn fresh(&mut self, stem: &str, next: &mut usize) -> String {
        loop {
            let name = if *next == 0 { stem.to_string() } else { format!("{stem}_{next}") };
            *next += 1;
            if self.take(&name) {
                return name;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case_is_keras() {
        // From `keras.src.utils.naming.to_snake_case`.
        for (class, name) in [
            ("Dense", "dense"),
            ("Conv2D", "conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("SeparableConv2D", "separable_conv2d"),
            ("LSTM", "lstm"),
            ("GRU", "gru"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("PReLU", "p_re_lu"),
            ("ELU", "elu"),
            ("SimpleRNN", "simple_rnn"),
            ("MaxPooling2D", "max_pooling2d"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("ZeroPadding2D", "zero_padding2d"),
            ("UpSampling2D", "up_sampling2d"),
            ("BatchNormalization", "batch_normalization"),
            ("TimeDistributed", "time_distributed"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("EinsumDense", "einsum_dense"),
            ("ConvLSTM2D", "conv_lstm2d"),
            ("My_Layer", "my__layer"),
            ("Log2Mel", "log2_mel"),
        ] {
            assert_eq!(snake(class), name);
        }
    }

    #[test]
    fn identifiers_from_names() {
        let make = |name: &str| ident(name, Span::call_site()).to_string();
        assert_eq!(make("conv1"), "conv1");
        assert_eq!(make("block-1.conv"), "block_1_conv");
        assert_eq!(make("1x1"), "_1x1");
        assert_eq!(make("type"), "type_");
        assert_eq!(make("self"), "self_");
    }

    #[test]
    fn fresh_names_are_numbered_as_keras_does() {
        let mut names = Names::default();
        assert!(names.take("dense_1"));
        let mut next = 0;
        let made: Vec<String> = (0..3).map(|_| names.fresh("dense", &mut next)).collect();
        assert_eq!(made, ["dense", "dense_2", "dense_3"]);
    }
}
