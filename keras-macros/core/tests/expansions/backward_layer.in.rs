Tagger([20, 8]) -> [20, 12] = [
    Bidirectional(LSTM(8, return_sequences = true), backward_layer = GRU(4, return_sequences = true, go_backwards = true)),
]
