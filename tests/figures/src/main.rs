//! `permafrost-figures`: what `scripts/bench` ends with.
//!
//! ```text
//! permafrost-figures table FOLDER           collects a run's results into FOLDER/results.json and prints them; exit code 1,
//!                                           and the names on stderr, when a benchmark failed or its time was up
//! permafrost-figures scale DONE FOLDER      prints what scripts/scale measured, and writes FOLDER/scale.md and FOLDER/figures/scale.svg
//! permafrost-figures render RESULTS FOLDER  writes FOLDER/figures.md and FOLDER/figures/ from a results.json
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use permafrost_figures::{Outcome, Results, Scale, page, plots, scale_plot, table};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["table", folder] => tabulate(Path::new(folder)),
        ["render", results, folder] => render(Path::new(results), Path::new(folder)),
        ["scale", done, folder] => scale(Path::new(done), Path::new(folder)),
        _ => Err("permafrost-figures takes `table FOLDER`, `scale DONE FOLDER` or `render RESULTS FOLDER`".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("refused: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tabulate(folder: &Path) -> Result<(), Box<dyn Error>> {
    let results = Results::collect(folder)?;
    fs::write(folder.join("results.json"), json(&results)?)?;
    print!("{}", table(&results));
    refuse_failures(&results)
}

/// A page of half a run would pass for one of a whole.
fn render(results: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let text =
        fs::read(results).map_err(|error| format!("cannot read {}: {error}", results.display()))?;
    let results: Results = serde_json::from_slice(&text)
        .map_err(|error| format!("{} is not as expected: {error}", results.display()))?;
    refuse_failures(&results)?;
    let plots = plots(&results)?;
    let beside = folder.join("figures");
    fs::create_dir_all(&beside)?;
    for (name, svg) in plots {
        fs::write(beside.join(name), svg)?;
    }
    fs::write(beside.join("results.json"), json(&results)?)?;
    fs::write(folder.join("figures.md"), page(&results))?;
    Ok(())
}

fn scale(done: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    let text =
        fs::read(done).map_err(|error| format!("cannot read {}: {error}", done.display()))?;
    let scale: Scale = serde_json::from_slice(&text)
        .map_err(|error| format!("{} is not of a whole run: {error}", done.display()))?;
    let page = scale.page();
    print!("{page}");
    fs::create_dir_all(folder.join("figures"))?;
    fs::write(folder.join("scale.md"), page)?;
    fs::write(folder.join("figures/scale.svg"), scale_plot(&scale)?)?;
    Ok(())
}

fn refuse_failures(results: &Results) -> Result<(), Box<dyn Error>> {
    let failures: Vec<String> = results
        .steps
        .iter()
        .filter_map(|step| match step.outcome {
            Outcome::Done => None,
            Outcome::Failed => Some(format!("{} failed", step.name)),
            Outcome::TimedOut => Some(format!("{} ran out of time", step.name)),
        })
        .collect();
    match failures.is_empty() {
        true => Ok(()),
        false => Err(failures.join(", ").into()),
    }
}

fn json(results: &Results) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(results).map(|text| text + "\n")
}
