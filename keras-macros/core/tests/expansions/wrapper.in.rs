Tagger([20, 8]) -> [20, 5] = [
    Bidirectional(LSTM(16, return_sequences = true), merge_mode = sum),
    TimeDistributed(Dense(5)),
]
