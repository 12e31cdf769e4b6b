//! `tests/booted.txt`: the tests that `scripts/test image` runs against a booted machine.

use crate::{read, repository, tests_in};

#[test]
fn every_test_that_is_to_be_booted_is_a_test_of_its_suite() {
    let listed = read("tests/booted.txt");
    let mut count = 0;
    for line in listed.lines().filter(|line| !line.starts_with('#')) {
        let (suite, name) = line.split_once(' ').expect("a suite and a test");
        let path = match name.rsplit_once("::") {
            Some((module, _)) => format!("tests/tests/{suite}/{module}.rs"),
            None if repository()
                .join(format!("tests/tests/{suite}.rs"))
                .exists() =>
            {
                format!("tests/tests/{suite}.rs")
            }
            None => format!("tests/tests/{suite}/main.rs"),
        };
        let name = name.rsplit("::").next().expect("a name").to_owned();
        assert!(
            tests_in(&read(&path)).contains(&name),
            "tests/booted.txt names {name} of {suite}, which is not a test in {path}"
        );
        count += 1;
    }
    assert!(count > 10, "{count} tests");
}
