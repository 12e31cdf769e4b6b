//! The result file of a long run: written in pieces, and resumed where a run that was killed had come to.
//!
//! Beside FILE there are, until the run ends, FILE.partial with the lines so far, and FILE.run, which says for which run they are and how
//! many of them count. FILE appears when all are there.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::outcome::Outcome;

/// A result file that is being written.
pub(super) struct ResultFile {
    path: PathBuf,
    lines: File,
    run: Run,
}

/// What FILE.run says.
#[derive(Deserialize, Serialize)]
struct Run {
    /// What the run was asked for.
    parameters: Value,
    /// How many results count.
    results: u64,
    /// How many bytes of FILE.partial they take.
    bytes: u64,
}

impl ResultFile {
    /// Begins a run with these parameters, or resumes it. A FILE that is there, or the pieces of another run, are refused.
    pub(super) fn open(
        path: &Path,
        parameters: impl FnOnce(Option<&Value>) -> Value,
    ) -> Result<Self, Outcome> {
        if path.exists() {
            let text = format!("{} exists; accepted: a new file", path.display());
            return Err(Outcome::wrong_call(text));
        }
        let run_path = beside(path, ".run");
        let before: Option<Run> = match fs::read(&run_path) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| {
                let text = format!("{} is not of a run: {error}", run_path.display());
                Outcome::wrong_call(text)
            })?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&run_path, &error)),
        };
        let parameters = parameters(before.as_ref().map(|run| &run.parameters));
        let run = match before {
            None => Run {
                parameters,
                results: 0,
                bytes: 0,
            },
            Some(run) if run.parameters == parameters => run,
            Some(run) => {
                return Err(Outcome::wrong_call(format!(
                    "{} is of another run, {}; accepted: to repeat that one, or to delete the file",
                    run_path.display(),
                    run.parameters
                )));
            }
        };
        let partial = beside(path, ".partial");
        let mut lines = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&partial)
            .map_err(|error| failed(&partial, &error))?;
        let length = lines
            .metadata()
            .map_err(|error| failed(&partial, &error))?
            .len();
        if length < run.bytes {
            return Err(Outcome::wrong_call(format!(
                "{} has {length} bytes, and {} says {}; accepted: both as the run left them, or neither",
                partial.display(),
                run_path.display(),
                run.bytes
            )));
        }
        // What follows was written by a piece that did not end.
        lines
            .set_len(run.bytes)
            .and_then(|()| lines.seek(SeekFrom::End(0)))
            .map_err(|error| failed(&partial, &error))?;
        let mut file = Self {
            path: path.to_owned(),
            lines,
            run,
        };
        file.keep_run()?;
        Ok(file)
    }

    /// What the run was asked for.
    pub(super) fn parameters(&self) -> &Value {
        &self.run.parameters
    }

    /// How many results are there.
    pub(super) fn results(&self) -> u64 {
        self.run.results
    }

    /// Adds this many results: whole lines, which count together or not at all.
    pub(super) fn append(&mut self, results: u64, lines: &str) -> Result<(), Outcome> {
        self.lines
            .write_all(lines.as_bytes())
            .and_then(|()| self.lines.sync_data())
            .map_err(|error| failed(&beside(&self.path, ".partial"), &error))?;
        self.run.results += results;
        self.run.bytes += lines.len() as u64;
        self.keep_run()
    }

    /// Ends the run: gives the file its name, or says how to go on after a failure.
    pub(super) fn end(self, done: Result<(), Outcome>) -> Result<(), Outcome> {
        match done {
            Ok(()) => self.finish(),
            Err(outcome) => Err(outcome.advising(&self.advice())),
        }
    }

    /// Gives the file its name.
    fn finish(self) -> Result<(), Outcome> {
        let (partial, run) = (beside(&self.path, ".partial"), beside(&self.path, ".run"));
        // Deleted first: the pieces alone are begun anew, the whole file beside the other would be refused.
        fs::remove_file(&run)
            .and_then(|()| fs::rename(&partial, &self.path))
            .and_then(|()| sync_folder(&self.path))
            .map_err(|error| failed(&self.path, &error))
    }

    fn advice(&self) -> String {
        format!(
            "{} results are kept beside {}; the same command goes on from there",
            self.run.results,
            self.path.display()
        )
    }

    fn keep_run(&mut self) -> Result<(), Outcome> {
        let (path, new) = (beside(&self.path, ".run"), beside(&self.path, ".run.new"));
        let bytes = serde_json::to_vec(&self.run).map_err(Outcome::failed)?;
        let written = File::create(&new)
            .and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_data()))
            .and_then(|()| fs::rename(&new, &path));
        written.map_err(|error| failed(&path, &error))
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

fn failed(path: &Path, error: &io::Error) -> Outcome {
    Outcome::failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open(path: &Path, parameters: u32) -> Result<ResultFile, Outcome> {
        ResultFile::open(path, |_| json!(parameters))
    }

    #[test]
    fn a_run_goes_on_after_the_last_whole_piece_and_ends_with_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let mut file = open(&path, 1).unwrap();
        file.append(2, "a\nb\n").unwrap();
        // Cut in the middle of a piece.
        file.lines.write_all(b"c").unwrap();
        drop(file);
        assert!(!path.exists());
        let mut file = open(&path, 1).unwrap();
        assert_eq!(file.results(), 2);
        file.append(1, "c\n").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\nc\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(open(&path, 1).is_err());
    }

    #[test]
    fn pieces_of_another_run_or_that_were_cut_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        open(&path, 1).unwrap().append(1, "a\n").unwrap();
        assert!(open(&path, 2).is_err());
        fs::write(beside(&path, ".partial"), "a").unwrap();
        assert!(open(&path, 1).is_err());
        fs::write(beside(&path, ".run"), "x").unwrap();
        assert!(open(&path, 1).is_err());
    }
}
