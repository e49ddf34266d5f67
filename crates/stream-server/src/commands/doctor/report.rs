//! How findings are shown: a line each, or one JSON document.

use std::io::IsTerminal as _;

use serde_json::json;
use stream_domain::{Finding, FindingState};

use crate::commands::output;
use crate::failure::Failure;

/// How many findings are failures.
pub(super) fn failures(findings: &[Finding]) -> usize {
    count(findings, FindingState::Failure)
}

fn count(findings: &[Finding], state: FindingState) -> usize {
    findings.iter().filter(|finding| finding.state == state).count()
}

/// Prints the findings; the failure says how many failed.
pub(super) fn print(findings: &[Finding], is_json: bool) -> Result<(), Failure> {
    let (failures, warnings) = (failures(findings), count(findings, FindingState::Warning));
    if is_json {
        output::print(&format!("{:#}", document(findings)))?;
    } else {
        // What https://no-color.org asks for: any text in the variable.
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|text| !text.is_empty());
        let has_colors = std::io::stdout().is_terminal() && !is_plain;
        for finding in findings {
            output::print(&line(finding, has_colors))?;
        }
        output::print(&format!("{} checks: {failures} failed, {warnings} with a warning", findings.len()))?;
    }
    if failures == 0 {
        return Ok(());
    }
    Err(Failure::new(format!("{failures} of {} checks failed", findings.len())))
}

/// The whole as JSON: the worst state, how many there are of each, and every finding.
fn document(findings: &[Finding]) -> serde_json::Value {
    let worst = findings.iter().map(|finding| finding.state).max().unwrap_or(FindingState::Ok);
    let listed = findings.iter().map(|Finding { subject, state, what, cure }| {
        json!({ "subject": subject, "state": state.as_str(), "what": what, "cure": cure })
    });
    json!({
        "state": worst.as_str(),
        "failures": failures(findings),
        "warnings": count(findings, FindingState::Warning),
        "findings": listed.collect::<Vec<_>>(),
    })
}

fn line(finding: &Finding, has_colors: bool) -> String {
    let (word, color) = match finding.state {
        FindingState::Ok => ("ok     ", "32"),
        FindingState::Warning => ("warning", "33"),
        FindingState::Failure => ("FAILURE", "31"),
    };
    let word = if has_colors { format!("\u{1b}[{color}m{word}\u{1b}[0m") } else { word.to_owned() };
    // One line each, whatever an error of a library says.
    let text = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cure = finding.cure.as_ref().map(|cure| format!(". Cure: {}", text(cure))).unwrap_or_default();
    format!("{word}  {}: {}{cure}", finding.subject, text(&finding.what))
}

#[cfg(test)]
mod tests;
