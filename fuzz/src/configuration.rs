use permafrost_common::api::is_name;
use permafrost_enclave::config::Config;

/// The measured configuration, TOML.
///
/// An accepted configuration names each principal once, and is refused once an unknown key is added.
pub fn configuration(data: &[u8]) -> bool {
    let Ok(config) = Config::parse(data) else {
        return false;
    };
    let mut names: Vec<_> = config
        .principals
        .iter()
        .map(|principal| &principal.name)
        .collect();
    assert!(names.iter().all(|name| is_name(name)), "{names:?}");
    names.sort();
    names.dedup();
    assert_eq!(names.len(), config.principals.len(), "a name twice");

    let with_unknown_key = [b"unknown-key = 1\n", data].concat();
    assert!(
        Config::parse(&with_unknown_key).is_err(),
        "an unknown key is accepted"
    );
    true
}
