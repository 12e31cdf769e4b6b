//! From what a run of the benchmarks has left to what a person reads: a table in the terminal, `docs/figures.md` and its plots.
//!
//! - [`Results`]: everything that one run measured, where, and of which commit. [`Results::collect`] reads it from the folder
//!   that `scripts/bench` fills; as JSON it is `docs/figures/results.json`.
//! - [`table()`] gives the results as text for a terminal.
//! - [`page()`] writes `docs/figures.md`.
//! - [`plots()`] draws the SVG files beside it.
//!
//! - [`Scale`]: what `scripts/scale` measured, which [`scale_plot()`] draws.
//!
//! The same results give the same bytes.

#![forbid(unsafe_code)]

mod collect;
mod page;
mod plots;
mod ratios;
mod results;
mod scale;
mod table;
mod units;

pub use collect::CollectError;
pub use page::page;
pub use plots::{PlotError, plots, scale_plot};
pub use ratios::{Ratio, ratios};
pub use results::{Load, Machine, Measurement, Memory, Outcome, Results, Sample, Step};
pub use scale::{Latency, Scale, Signatures};
pub use table::table;
