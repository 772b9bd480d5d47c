Reader(words: [i32; 20], pixels: [u8; 8, 8]) -> [2] {
    let words = GlobalAveragePooling1D()(Embedding(1000, 4)(words));
    let pixels = Flatten()(Embedding(256, 2)(pixels));
    Dense(2)(concat(words, pixels))
}
