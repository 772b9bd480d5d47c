//! Recurrent networks and Transformers.

use keras::prelude::*;

model! {
    pub Lstm([i32; 80]) -> [1] = [Embedding(10_000, 128), LSTM(128), Dense(1, activation = sigmoid)]
}

model! {
    pub Gru([i32; 80]) -> [1] = [Embedding(10_000, 128), GRU(128), Dense(1, activation = sigmoid)]
}

model! {
    pub Transformer(words: [i32; 80]) -> [1] {
        let mut x = Embedding(10_000, 128)(words);
        for _ in 0..2 {
            let y = LayerNormalization(epsilon = 1e-6)(x);
            x = x + MultiHeadAttention(4, 32)(y, y);
            let y = LayerNormalization(epsilon = 1e-6)(x);
            x = x + Dense(128)(Dense(512, activation = gelu)(y));
        }
        let x = GlobalAveragePooling1D()(LayerNormalization(epsilon = 1e-6)(x));
        Dense(1, activation = sigmoid)(x)
    }
}

model! {
    /// Tiny, with patches of 16 and an average in place of the class token.
    pub Vit(images: [224, 224, 3]) -> [1000] {
        let mut x = reshape(Conv2D(192, 16, strides = 16)(images), [196, 192]);
        for _ in 0..12 {
            let y = LayerNormalization(epsilon = 1e-6)(x);
            x = x + MultiHeadAttention(3, 64)(y, y);
            let y = LayerNormalization(epsilon = 1e-6)(x);
            x = x + Dense(192)(Dense(768, activation = gelu)(y));
        }
        let x = GlobalAveragePooling1D()(LayerNormalization(epsilon = 1e-6)(x));
        Dense(1000, activation = softmax)(x)
    }
}
