//! A report on a table, for people to read.

use std::fmt::Write;

use permafrost_kms::table::{Finding, Report};

/// The findings, then the notices.
pub(super) fn text(report: &Report) -> String {
    let mut text = match report.findings.len() {
        0 => "No one but the enclave reads or writes records, as far as these policies say.\n"
            .to_owned(),
        1 => "1 FINDING\n".to_owned(),
        count => format!("{count} FINDINGS\n"),
    };
    write_findings(&mut text, &report.findings);
    if !report.notices.is_empty() {
        text.push_str("\nTo know:\n");
        write_findings(&mut text, &report.notices);
    }
    text.trim_end().to_owned()
}

/// Each rule once with why it matters, and under it what was found.
fn write_findings(text: &mut String, findings: &[Finding]) {
    let mut told = None;
    for finding in findings {
        if told != Some(finding.rule) {
            told = Some(finding.rule);
            line(text, format_args!("  {}", finding.rule));
            line(text, format_args!("      {}", finding.why));
        }
        let who = finding
            .principal
            .iter()
            .map(|principal| format!("{principal}: "));
        let who: String = who.collect();
        line(text, format_args!("      - {who}{}", finding.found));
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(text, "{arguments}");
}
