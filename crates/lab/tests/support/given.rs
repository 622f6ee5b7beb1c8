//! What to test, as `cargo xtask test` says.

/// What a variable of the environment says.
pub(crate) fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set, which says what to test; run `cargo xtask test cluster`")
    })
}
