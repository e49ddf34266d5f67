//! Words of texts: made here once, so that every store finds the same streams.
//!
//! A store's own search would cut `v1.2.3`, e-mail addresses and accents in its own way, and parts no Japanese.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The most characters of a word; what is longer is cut, in a text as in a question.
const MAX_LENGTH: usize = 32;

/// The most words of one stream.
pub(super) const MAX_OF_STREAM: usize = 64;

/// The words of a text, in their order: without marks, in lower case, letters and digits alone.
///
/// Scripts that are written without blanks (Han, Hiragana, Katakana and Hangul) become pairs of neighbours, and a run's
/// last character a word of its own, so that any single character begins a word.
pub(super) fn of_text(text: &str) -> Vec<String> {
    runs(text)
        .into_iter()
        .flat_map(|run| if run.is_paired { run.pairs(true) } else { vec![run.text] })
        .collect()
}

/// The words of a question: those of its text, but for a run's last character where the run has others.
///
/// The first number counts the runs that a person would call words.
pub(super) fn of_question(text: &str) -> (usize, Vec<String>) {
    let runs = runs(text);
    let words = |run: Run| match run.text.chars().count() {
        _ if !run.is_paired => vec![run.text],
        1 => vec![run.text],
        _ => run.pairs(false),
    };
    (runs.len(), runs.into_iter().flat_map(words).collect())
}

/// Characters that belong together.
struct Run {
    text: String,
    is_paired: bool,
}

impl Run {
    fn pairs(&self, with_last: bool) -> Vec<String> {
        let characters: Vec<char> = self.text.chars().collect();
        let pairs = characters.windows(2).map(|pair| pair.iter().collect());
        pairs.chain(characters.last().filter(|_| with_last).map(char::to_string)).collect()
    }
}

fn runs(text: &str) -> Vec<Run> {
    let without_marks: String = text.nfkd().filter(|found| !is_combining_mark(*found)).collect();
    let folded = without_marks.to_lowercase();
    // Hangul is taken apart above; put together again, a syllable is one character.
    let characters = folded.nfkd().filter(|found| !is_combining_mark(*found)).nfc();
    let mut runs: Vec<Run> = Vec::new();
    let mut is_open = false;
    for found in characters {
        if !found.is_alphanumeric() {
            is_open = false;
            continue;
        }
        let is_paired = is_written_without_blanks(found);
        match runs.last_mut().filter(|run| is_open && run.is_paired == is_paired) {
            Some(run) => run.text.push(found),
            None => runs.push(Run { text: found.to_string(), is_paired }),
        }
        is_open = true;
    }
    for run in runs.iter_mut().filter(|run| !run.is_paired) {
        run.text = run.text.chars().take(MAX_LENGTH).collect();
    }
    runs
}

/// Whether it is of Han, Hiragana, Katakana or Hangul.
fn is_written_without_blanks(found: char) -> bool {
    matches!(found,
        '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3038}'..='\u{303B}'
        | '\u{3041}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{AC00}'..='\u{D7A3}' | '\u{1100}'..='\u{11FF}' | '\u{F900}'..='\u{FAFF}' | '\u{1B000}'..='\u{1B16F}'
        | '\u{20000}'..='\u{323AF}')
}
