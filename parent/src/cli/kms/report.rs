//! A report on a key policy, for people to read.

use std::fmt::Write;

use permafrost_kms::policy::{Finding, Report, StatementReport};

/// Who may do what, statement by statement, followed by the findings.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    for statement in &report.statements {
        write_statement(&mut text, statement);
    }
    text.push_str(&findings(report));
    text
}

/// The findings and notices, without the statements.
pub(super) fn findings(report: &Report) -> String {
    let mut text = String::new();
    match report.findings.len() {
        0 => text.push_str("No bypass of attestation was found.\n"),
        1 => text.push_str("1 FINDING: a bypass of attestation\n"),
        count => line(
            &mut text,
            format_args!("{count} FINDINGS: bypasses of attestation"),
        ),
    }
    report
        .findings
        .iter()
        .for_each(|finding| write_finding(&mut text, finding));
    if !report.notices.is_empty() {
        text.push_str("\nTo know:\n");
        report
            .notices
            .iter()
            .for_each(|notice| write_finding(&mut text, notice));
    }
    text.trim_end().to_owned()
}

fn write_statement(text: &mut String, statement: &StatementReport) {
    let sid = statement.sid.as_deref().unwrap_or("(no Sid)");
    line(text, format_args!("Statement {}: {sid}", statement.number));
    let verb = match statement.effect {
        "Allow" => "allows",
        _ => "denies",
    };
    write_rows(text, verb, &statement.principals);
    write_rows(text, "to", &in_lines(&statement.actions));
    if statement.resources != ["*"] {
        write_rows(text, "on", &statement.resources);
    }
    write_rows(text, "when", &statement.conditions);
    text.push('\n');
}

/// Names separated by commas, as many to a line as fit.
fn in_lines(names: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.len() + name.len() < LINE_MAX => {
                line.push_str(", ");
                line.push_str(name);
            }
            last => {
                if let Some(line) = last {
                    line.push(',');
                }
                lines.push(name.clone());
            }
        }
    }
    lines
}

fn write_rows(text: &mut String, name: &str, rows: &[String]) {
    for (row, name) in rows
        .iter()
        .zip([name].into_iter().chain(std::iter::repeat("")))
    {
        line(text, format_args!("  {name:8}{row}"));
    }
}

fn write_finding(text: &mut String, finding: &Finding) {
    let place = match (finding.statement, &finding.sid) {
        (Some(number), Some(sid)) => format!("statement {number} ({sid}): "),
        (Some(number), None) => format!("statement {number}: "),
        (None, _) => String::new(),
    };
    line(text, format_args!("  {}", finding.rule));
    line(text, format_args!("      {place}{}", finding.found));
    line(text, format_args!("      {}", finding.why));
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(text, "{arguments}");
}

/// How many columns a line of names may fill.
const LINE_MAX: usize = 88;
