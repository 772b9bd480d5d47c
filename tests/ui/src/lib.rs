//! Programs that must not compile: `fail/NAME.rs` beside what rustc says about it, `fail/NAME.stderr`.
//!
//! `TRYBUILD=overwrite cargo test -p keras-ui-tests` writes what rustc says anew.
