//! Programs as users write them, under lints that users may have.
