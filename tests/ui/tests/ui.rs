//! Compiles every program in `fail/`.

#[test]
fn programs_that_must_not_compile() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
