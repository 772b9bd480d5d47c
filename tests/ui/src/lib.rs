//! Programs that must not compile (`fail/`), each beside what rustc says about it, and programs that must (`pass/`).
//!
//! `TRYBUILD=overwrite cargo test -p keras-ui-tests` writes what rustc says anew.
