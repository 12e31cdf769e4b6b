//! The plots, as SVG.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::scale::Signatures;
use crate::{Load, Memory, Results, Scale};

/// The file name and the text of each plot that the results have data for.
///
/// # Errors
/// When the plotting library refuses.
pub fn plots(results: &Results) -> Result<Vec<(&'static str, String)>, PlotError> {
    let mut files = Vec::new();
    if !results.load.is_empty() {
        files.push(("latency.svg", drawn(|area| latency(area, &results.load))?));
        files.push((
            "throughput.svg",
            drawn(|area| throughput(area, &results.load))?,
        ));
    }
    if let Some(memory) = &results.memory {
        files.push(("memory.svg", drawn(|area| resident(area, memory))?));
    }
    Ok(files)
}

/// The plot of what `scripts/scale` measured.
///
/// # Errors
/// When the plotting library refuses.
pub fn scale_plot(scale: &Scale) -> Result<String, PlotError> {
    drawn(|area| {
        let kinds = [
            (
                "derived keys",
                &scale.derived_at_1000,
                &scale.derived_at_all,
            ),
            ("stored keys", &scale.stored_at_1000, &scale.stored_at_all),
        ];
        for ((title, few, all), panel) in kinds.iter().zip(&area.split_evenly((1, 2))) {
            let line = |name: &str, us: fn(&Signatures) -> u64| Line {
                name: name.to_owned(),
                points: [few, all]
                    .map(|of| (of.keys as f64, us(of) as f64 / 1e3))
                    .to_vec(),
            };
            let lines = [
                line("p50", |of| of.sign.p50_us),
                line("p99", |of| of.sign.p99_us),
                line("health, p50", |of| of.health.p50_us),
            ];
            let axes = Axes {
                title,
                x: "keys",
                y: "latency, ms",
                labels: [few, all].map(|of| of.keys as f64).to_vec(),
                even: true,
            };
            panel_of(panel, &axes, &lines)?;
        }
        Ok(())
    })
}

/// The plotting library refused to draw.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw a plot: {0}")]
pub struct PlotError(String);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// One line of a plot.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

/// What a plot says of its axes.
struct Axes<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
    /// The values that the x axis is labelled with.
    labels: Vec<f64>,
    /// Whether each label of the x axis is as far from the last, whatever their values.
    even: bool,
}

fn drawn(draw: impl FnOnce(&Area<'_>) -> Result<(), PlotError>) -> Result<String, PlotError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).map_err(refused)?;
        draw(&area)?;
        area.present().map_err(refused)?;
    }
    Ok(svg)
}

/// A panel for each kind of request, with a line for each percentile.
fn latency(area: &Area<'_>, load: &[Load]) -> Result<(), PlotError> {
    let requests = requests(load);
    let panels = area.split_evenly((1, requests.len()));
    for (request, panel) in requests.iter().zip(&panels) {
        let rows = || load.iter().filter(|row| row.request == *request);
        let line = |name: &str, us: fn(&Load) -> u64| Line {
            name: name.to_owned(),
            points: rows()
                .map(|row| (f64::from(row.concurrency), us(row) as f64 / 1e3))
                .collect(),
        };
        let lines = [
            line("p50", |row| row.p50_us),
            line("p95", |row| row.p95_us),
            line("p99", |row| row.p99_us),
        ];
        let axes = Axes {
            title: request,
            x: "requests at once",
            y: "latency, ms",
            labels: rows().map(|row| f64::from(row.concurrency)).collect(),
            even: true,
        };
        panel_of(panel, &axes, &lines)?;
    }
    Ok(())
}

fn throughput(area: &Area<'_>, load: &[Load]) -> Result<(), PlotError> {
    let line = |request: &&str| Line {
        name: (*request).to_owned(),
        points: load
            .iter()
            .filter(|row| row.request == *request)
            .map(|row| (f64::from(row.concurrency), row.per_second()))
            .collect(),
    };
    let lines: Vec<_> = requests(load).iter().map(line).collect();
    let mut labels: Vec<f64> = load.iter().map(|row| f64::from(row.concurrency)).collect();
    labels.sort_by(f64::total_cmp);
    labels.dedup();
    let axes = Axes {
        title: "throughput",
        x: "requests at once",
        y: "requests/s",
        labels,
        even: true,
    };
    panel_of(area, &axes, &lines)
}

fn resident(area: &Area<'_>, memory: &Memory) -> Result<(), PlotError> {
    let points = memory.samples.iter();
    let line = Line {
        name: "resident set".to_owned(),
        points: points
            .map(|sample| (sample.signatures as f64, sample.resident_bytes as f64 / 1e6))
            .collect(),
    };
    let axes = Axes {
        title: "memory of the enclave program",
        x: "signatures",
        y: "resident, MB",
        labels: line.points.iter().map(|point| point.0).collect(),
        even: false,
    };
    panel_of(area, &axes, &[line])
}

/// The kinds of request, each once, in their order.
fn requests(load: &[Load]) -> Vec<&str> {
    let mut requests: Vec<&str> = load.iter().map(|row| row.request.as_str()).collect();
    requests.dedup();
    requests
}

/// Lines with a point for each value, a y axis that begins at 0, and a legend where there is more than one line.
fn panel_of(area: &Area<'_>, axes: &Axes<'_>, lines: &[Line]) -> Result<(), PlotError> {
    let place = |x: f64| match axes.even {
        true => axes
            .labels
            .iter()
            .position(|label| *label == x)
            .unwrap_or(0) as f64,
        false => x,
    };
    let right = axes.labels.iter().copied().map(place).fold(1.0, f64::max);
    let top = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|point| point.1)
        .fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .caption(axes.title, (FONT, 18))
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..right * 1.02, 0.0..top * 1.1)
        .map_err(refused)?;
    let label = |x: &f64| match axes.even {
        // Between two labels there is a mark of the grid, but nothing was measured.
        true if x.fract() != 0.0 => String::new(),
        true => axes
            .labels
            .get(*x as usize)
            .map(ToString::to_string)
            .unwrap_or_default(),
        false => crate::units::thousands(*x as u64),
    };
    chart
        .configure_mesh()
        .x_desc(axes.x)
        .y_desc(axes.y)
        .x_labels(if axes.even { axes.labels.len() } else { 6 })
        .x_label_formatter(&label)
        .y_label_formatter(&|y| format!("{y}"))
        .axis_desc_style((FONT, 14))
        .label_style((FONT, 13))
        .light_line_style(WHITE)
        .draw()
        .map_err(refused)?;
    for (line, colour) in lines.iter().zip(COLOURS) {
        let points = || line.points.iter().map(|(x, y)| (place(*x), *y));
        chart
            .draw_series(LineSeries::new(points(), colour.stroke_width(2)))
            .map_err(refused)?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        chart
            .draw_series(points().map(|point| Circle::new(point, 3, colour.filled())))
            .map_err(refused)?;
    }
    if lines.len() > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE)
            .border_style(GREY)
            .label_font((FONT, 13))
            .draw()
            .map_err(refused)?;
    }
    Ok(())
}

fn refused(error: impl std::fmt::Display) -> PlotError {
    PlotError(error.to_string())
}

/// Width and height, pixels.
const SIZE: (u32, u32) = (880, 380);

const FONT: &str = "sans-serif";

const GREY: RGBColor = RGBColor(0xcc, 0xcc, 0xcc);

/// Apart for people who do not see all colours, too (Okabe and Ito).
const COLOURS: [RGBColor; 3] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0xd5, 0x5e, 0x00),
];
