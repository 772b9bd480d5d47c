Decoder(x: [i32; 100], memory: [100, 64]) -> [100, 64] {
    let attention = MultiHeadAttention(4, 16);
    let x = Embedding(1000, 64)(x);
    let x = attention(x, x, use_causal_mask = true);
    attention(x, memory)
}
