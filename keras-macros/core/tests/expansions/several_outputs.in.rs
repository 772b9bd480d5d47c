Encoder(x: [20, 8]) -> (y: [16], state: [16]) {
    let (_, h, c) = LSTM(16, return_state = true)(x);
    let y = LSTM(16)(x, initial_state = (h, c));
    (y, h)
}
