//! Programs as users write them: those that must not compile (`fail/NAME.rs`, beside what rustc says: `fail/NAME.stderr`), and
//! one under lints that users may have.
//!
//! `TRYBUILD=overwrite cargo test -p keras-ui-tests` writes what rustc says anew.
