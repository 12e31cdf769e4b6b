//! Makes a JavaScript module for browsers and Node of a program in WebAssembly that is built with wasm-bindgen: what the program
//! `wasm-bindgen` does with `--target web`, without the test runner, whose crates are most of it.

#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let [_, program, name, folder] = &*env::args().collect::<Vec<_>>() else {
        eprintln!("usage: permafrost-wasm-bindgen PROGRAM.wasm NAME FOLDER");
        return ExitCode::FAILURE;
    };
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(program)
        .out_name(name)
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    let made = bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
