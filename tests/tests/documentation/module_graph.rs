//! The modules of the measured program import each other in one direction only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type Graph = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_two_modules_of_the_enclave_need_each_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../enclave/src");
    let mut graph = Graph::new();
    for file in files(&source) {
        let inside = file.strip_prefix(&source).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let imports = graph.entry(module(inside)).or_default();
        imports.extend(text.match_indices("crate::").map(|(at, found)| {
            let rest = &text[at + found.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
            rest[..end.unwrap_or(rest.len())].to_owned()
        }));
    }
    assert!(graph.len() > 15, "{:?}", graph.keys());
    assert!(graph["people"].contains("records"));
    // What imports nothing that is left can be taken away; a circle is what cannot.
    let names: BTreeSet<_> = graph.keys().cloned().collect();
    for (name, imports) in &mut graph {
        imports.retain(|import| names.contains(import) && import != name);
    }
    loop {
        let free: BTreeSet<_> = graph
            .iter()
            .filter(|(_, imports)| imports.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        graph.retain(|name, _| !free.contains(name));
        for imports in graph.values_mut() {
            imports.retain(|import| !free.contains(import));
        }
    }
    assert_eq!(
        graph,
        Graph::new(),
        "circles of imports, and what needs them"
    );
}

fn module(file: &Path) -> String {
    let first = file.components().next().unwrap();
    Path::new(&first)
        .file_stem()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}

/// Every source file but tests and the program's own `main.rs`.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            found.extend(files(&path));
        } else if name.ends_with(".rs") && !matches!(&*name, "tests.rs" | "main.rs" | "lib.rs") {
            found.push(path);
        }
    }
    found
}
