//! The book's code, run as documentation tests.

macro_rules! pages {
    ($($name:ident),* $(,)?) => { $(
        #[doc = include_str!(concat!("../book/src/", stringify!($name), ".md"))]
        mod $name {}
    )* };
}

#[doc = include_str!("../README.md")]
mod readme {}

#[doc = include_str!("../book/src/first-model.md")]
mod first_model {}

#[doc = include_str!("../book/src/own-layers.md")]
mod own_layers {}

#[doc = include_str!("../book/src/peers.md")]
mod peers {}

pages!(introduction, models, training, data, callbacks, files, formats, import, cli, errors, performance);
