//! From what a run of the benchmarks has left to what a person reads: a table in the terminal, `docs/figures.md` and its plots.
//!
//! - [`Results`]: everything that one run measured, where, and of which commit. [`Results::collect`] reads it from the folder
//!   that `scripts/bench` fills; as JSON it is `docs/figures/results.json`.
//! - [`table()`] gives the results as text for a terminal.
//! - [`page()`] writes `docs/figures.md`.
//! - [`plots()`] draws the SVG files beside it.
//!
//! The same results give the same bytes.

#![forbid(unsafe_code)]

mod collect;
mod page;
mod plots;
mod ratios;
mod results;
mod table;
mod units;

pub use collect::CollectError;
pub use page::page;
pub use plots::{PlotError, plots};
pub use ratios::{Ratio, ratios};
pub use results::{Load, Machine, Measurement, Memory, Outcome, Results, Sample, Step};
pub use table::table;
