//! The report: medians, ratios, the tables and the chart.

use std::fmt::Write as _;
use std::process::Command;

use crate::load::Round;

/// One subject's rounds.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<Round>,
    /// Peak resident memory, in MiB; `None` if the subject is not a server of the benchmark.
    pub(crate) peak_mib: Option<f64>,
}

impl Measured {
    /// The median of a figure over the rounds.
    pub(crate) fn median(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure).collect())
    }

    /// The median of the ratios of its rates to those of another subject, round by round.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        let pairs = self.rounds.iter().zip(&other.rounds);
        median(pairs.map(|(own, others)| own.rate / others.rate).collect())
    }
}

/// The subject of this name; panics if it was not measured.
pub(crate) fn find<'m>(group: &'m [Measured], name: &str) -> &'m Measured {
    group.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name} was not measured"))
}

/// One figure with its goal.
#[derive(Debug)]
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) figure: f64,
    pub(crate) unit: &'static str,
    pub(crate) wanted: f64,
    /// Whether less is better.
    pub(crate) at_most: bool,
}

impl Goal {
    fn is_met(&self) -> bool {
        if self.at_most { self.figure <= self.wanted } else { self.figure >= self.wanted }
    }
}

pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => figures[middle],
        _ => f64::midpoint(figures[middle - 1], figures[middle]),
    }
}

/// The tables, as Markdown.
pub(crate) fn tables(title: &str, groups: &[(&str, Vec<Measured>)], growth: &str, goals: &[Goal]) -> String {
    let mut text = format!("# {title}\n\n![Requests a second](latest.svg)\n\n## What was to be reached\n\n");
    text.push_str("| what | figure | wanted | |\n| --- | --- | --- | --- |\n");
    for goal in goals {
        let sign = if goal.at_most { "at most" } else { "at least" };
        let word = if goal.is_met() { "met" } else { "**not met**" };
        let Goal { what, figure, unit, wanted, .. } = goal;
        writeln!(text, "| {what} | {figure:.2}{unit} | {sign} {wanted}{unit} | {word} |").expect("text");
    }
    for (heading, measured) in groups {
        let unit = if heading.starts_with("Pairs") { "pairs/s" } else { "requests/s" };
        write!(
            text,
            "\n## {heading}\n\n| what | {unit} | least to most | p50 ms | p99 ms | own CPU µs each | \
             PostgreSQL's CPU µs each | peak memory MiB |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n"
        )
        .expect("text");
        for one in measured {
            let rates = || one.rounds.iter().map(|round| round.rate);
            let (least, most) =
                (rates().fold(f64::INFINITY, f64::min), rates().fold(f64::NEG_INFINITY, f64::max));
            let memory = one.peak_mib.map_or_else(|| "–".to_owned(), |mib| format!("{mib:.0}"));
            writeln!(
                text,
                "| {} | {:.0} | {least:.0} to {most:.0} | {:.2} | {:.2} | {:.1} | {:.1} | {memory} |",
                one.name,
                one.median(|round| round.rate),
                one.median(|round| round.p50),
                one.median(|round| round.p99),
                one.median(|round| round.own_cpu),
                one.median(|round| round.database_cpu),
            )
            .expect("text");
        }
    }
    format!("{text}\n## Growth\n\n{growth}")
}

/// The chart: a bar for each subject, with a length proportional to its rate.
pub(crate) fn picture(title: &str, groups: &[(&str, Vec<Measured>)]) -> String {
    const ROW: usize = 24;
    let rows: usize = groups.iter().map(|(_, measured)| measured.len() + 2).sum();
    let height = rows * ROW + 48;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"900\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"900\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"26\" font-size=\"16\">{title}</text>\n"
    );
    let mut y = 40;
    for (heading, measured) in groups {
        y += ROW;
        writeln!(svg, "<text x=\"16\" y=\"{}\" font-weight=\"bold\">{heading}</text>", y).expect("text");
        y += ROW / 2;
        let longest = measured.iter().map(|one| one.median(|round| round.rate)).fold(1.0, f64::max);
        for (place, one) in measured.iter().enumerate() {
            let rate = one.median(|round| round.rate);
            let width = (rate / longest * 420.0).max(1.0);
            let colour = if one.name.starts_with("service") { "#2166ac" } else { "#b0b0b0" };
            let base = y + place * ROW;
            writeln!(
                svg,
                "<text x=\"330\" y=\"{text}\" text-anchor=\"end\">{name}</text>\
                 <rect x=\"340\" y=\"{base}\" width=\"{width:.0}\" height=\"16\" fill=\"{colour}\"/>\
                 <text x=\"{end:.0}\" y=\"{text}\">{rate:.0}</text>",
                text = base + 13,
                name = one.name,
                end = 346.0 + width,
            )
            .expect("text");
        }
        y += measured.len() * ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

/// The date and the machine, on one line.
pub(crate) fn title() -> String {
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
    };
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cpu = cpu.map_or("an unknown processor", |(_, name)| name).to_owned();
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let postgres = run("psql", &["--version"]);
    let postgres = postgres.split(' ').nth(2).unwrap_or("of an unknown version").to_owned();
    format!(
        "{}: {cores} cores of {cpu}, Linux {}, PostgreSQL {postgres}, load and servers on the same machine",
        run("date", &["-u", "+%Y-%m-%d"]),
        run("uname", &["-r"])
    )
}
