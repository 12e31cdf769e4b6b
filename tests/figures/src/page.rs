//! `docs/figures.md`.

use std::fmt::Write;

use crate::units::{mb, ms, thousands, time};
use crate::{Memory, Results, ratios};

/// The page. It shows the plots that [`crate::plots()`] draws of the same results, as files in `figures/` beside it.
pub fn page(results: &Results) -> String {
    [
        introduction(results),
        load(results),
        results.memory.as_ref().map(memory).unwrap_or_default(),
        measurements(results),
        steps(results),
    ]
    .concat()
}

fn introduction(results: &Results) -> String {
    let machine = &results.machine;
    format!(
        "# Figures

<!-- `scripts/bench` writes this page and its plots. Do not edit them: a test compares them with figures/results.json. -->

One run of `scripts/bench`, which anyone can repeat. The times are this machine's; ratios travel better.

| | |
|---|---|
| commit | `{}` |
| CPU | {}, {} cores |
| memory | {:.1} GiB |
| kernel | {} |
| compiler | {} |
",
        results.commit,
        machine.cpu,
        machine.cores,
        machine.memory_kib as f64 / f64::from(1 << 20),
        machine.kernel,
        machine.rustc
    )
}

fn load(results: &Results) -> String {
    if results.load.is_empty() {
        return String::new();
    }
    let mut text = "
## Whole requests, many at once

Each client signs its requests, verifies their responses, and sends the next request once it has the response to the last, so that as many requests are
under way as there are clients. Each request goes through `permafrost serve` to the measured program: static, as it is in the image, but with the
emulated NSM and outside a virtual machine. Clients, parent and enclave share the machine, and take CPU time from each other.

![Latency over concurrency: the 50th, 95th and 99th percentile](figures/latency.svg)

![Requests a second over concurrency](figures/throughput.svg)

| request | at once | p50, ms | p95, ms | p99, ms | requests/s |
|---|--:|--:|--:|--:|--:|
"
    .to_owned();
    for load in &results.load {
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.0} |",
            load.request,
            load.concurrency,
            ms(load.p50_us),
            ms(load.p95_us),
            ms(load.p99_us),
            load.per_second()
        );
    }
    text
}

fn memory(memory: &Memory) -> String {
    let mut text = "
## Memory over signatures

The resident set of the same program, as its own log says, once it remembers no earlier request. Memory that the allocator keeps for later counts, too.

![Memory over signatures](figures/memory.svg)

| signatures | resident, MB |
|--:|--:|
"
    .to_owned();
    for sample in &memory.samples {
        let _ = writeln!(
            text,
            "| {} | {} |",
            thousands(sample.signatures),
            mb(sample.resident_bytes)
        );
    }
    if let Some(whole) = memory.growth() {
        let late = memory
            .late_growth()
            .map(|late| format!("; {late:.2} in the second half of the signatures"));
        let _ = writeln!(
            text,
            "\nGrowth: {whole:.2} bytes a signature from the first sample to the last{}.",
            late.unwrap_or_default()
        );
    }
    text
}

fn measurements(results: &Results) -> String {
    if results.measurements.is_empty() {
        return String::new();
    }
    let mut text = "
## Ratios

Each group has a baseline, measured in the same run: the member that says `bare` or `frost` in its name (the same work done by the library alone), or
the fastest. The ratio is the member's median over the baseline's. The interval is that of the median, at 95 % confidence.

| group | member | median | interval | ratio |
|---|---|--:|--:|--:|
"
    .to_owned();
    for row in ratios(&results.measurements) {
        let measured = row.measurement;
        let [low, high] = measured.interval_ns.map(time);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {low} to {high} | {:.2} |",
            measured.group,
            measured.member,
            time(measured.median_ns),
            row.ratio
        );
    }
    text
}

fn steps(results: &Results) -> String {
    let mut text = "
## How long each benchmark took

| benchmark | seconds |
|---|--:|
"
    .to_owned();
    for step in &results.steps {
        let _ = writeln!(text, "| {} | {} |", step.name, step.seconds);
    }
    text
}
