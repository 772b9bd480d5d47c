pub Wide<const HIDDEN: usize = 64, const OUT: usize = 10>([784]) -> [OUT] =
    [Dense(HIDDEN * 2, activation = relu), Proj::<OUT>()]
