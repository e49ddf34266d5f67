//! Searches: terms that streams are found by, and what is asked for.
//!
//! A **term** is a word, a tag, a category or a language with a letter before it that says which.
//! A public stream has terms, and a search is some terms that a stream must have; so a list of a category, of a tag and of
//! a search are the same list.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::categories::Categories;
use super::form::{folded, language, tag};
use super::value::{Details, Visibility};
use super::words;

/// The most words of a question.
pub const MAX_WORDS: usize = 8;

/// The most words that a store is asked for, pairs of characters among them.
const MAX_PAIRS: usize = 32;

/// The most characters of a question.
pub const MAX_QUESTION: usize = 200;

/// How many streams are not few: from here on it pays to read them newest first.
pub const MANY: u32 = 1_000;

const CATEGORY: char = 'c';
const LANGUAGE: char = 'l';
const TAG: char = 't';
const WORD: char = 'w';

fn term(kind: char, text: &str) -> String {
    format!("{kind}:{text}")
}

impl Details {
    /// What it is found by: nothing for an unlisted stream, else at most 64 words, and its tags, category and language.
    ///
    /// A term has no blank, and no two are the same.
    pub fn terms(&self) -> BTreeSet<String> {
        if self.visibility == Visibility::Unlisted {
            return BTreeSet::new();
        }
        let texts = self.title.iter().chain(&self.tags).chain(&self.description);
        let mut found = BTreeSet::new();
        for word in texts.flat_map(|text| words::of_text(text)) {
            if found.len() == words::MAX_OF_STREAM {
                break;
            }
            found.insert(term(WORD, &word));
        }
        found.extend(self.tags.iter().map(|tag| term(TAG, &folded(tag))));
        found.extend(self.category.iter().map(|slug| term(CATEGORY, slug)));
        // `en-GB` is found by `en` as well.
        let language = self.language.as_deref().unwrap_or_default().to_lowercase();
        let ends = language.match_indices('-').map(|(end, _)| end).chain([language.len()]);
        found.extend(ends.filter(|end| *end > 0).map(|end| term(LANGUAGE, &language[..end])));
        found
    }
}

/// The terms from one to another, both included, by their bytes in UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TermRange {
    /// The first.
    pub first: String,
    /// The last.
    pub last: String,
}

impl TermRange {
    fn exactly(kind: char, text: &str) -> Self {
        let only = term(kind, text);
        Self { first: only.clone(), last: only }
    }

    fn beginning_with(kind: char, text: &str) -> Self {
        let first = term(kind, text);
        Self { last: format!("{first}{}", char::MAX), first }
    }

    /// Whether it is a single term.
    pub fn is_exact(&self) -> bool {
        self.first == self.last
    }

    /// Whether the term is in it.
    pub fn has(&self, term: &str) -> bool {
        (self.first.as_str()..=self.last.as_str()).contains(&term)
    }
}

/// What a stream must have to be found: a term of each range. The default finds every stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Search(Option<Arc<[TermRange]>>);

/// What a search begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// The streams of this range, which are looked up in the others.
    Range(usize),
    /// The whole list, newest first, each stream of which is looked up in all ranges.
    EveryStream,
}

/// A search as a client sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchForm {
    /// A slug.
    pub category: Option<String>,
    /// A BCP 47 tag: finds those that begin with it.
    pub language: Option<String>,
    /// A tag, whatever its case.
    pub tag: Option<String>,
    /// Words that must all be there, the last by its beginning.
    pub question: Option<String>,
}

/// Why a search cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSearch {
    /// There is no such category.
    #[error("`category` must be a slug that `GET /api/categories` lists.")]
    Category,
    /// It is not well-formed.
    #[error("`language` must be a BCP 47 tag such as `en` or `pt-BR`.")]
    Language,
    /// No stream can have it.
    #[error("`tag` must be 1 to 25 letters, digits or hyphens.")]
    Tag,
    /// It is too long.
    #[error("`q` has {0} characters, at most {MAX_QUESTION}.")]
    Length(usize),
    /// It has no word.
    #[error("`q` has no letter and no digit to search for.")]
    NoWord,
    /// It has too many words.
    #[error("`q` has {0} words, at most {MAX_WORDS}.")]
    Words(usize),
    /// It has too many pairs of characters, in a script without blanks.
    #[error("`q` has {0} words and pairs of characters without a blank, at most {MAX_PAIRS}.")]
    Pairs(usize),
}

impl SearchForm {
    /// The search that it describes; what is empty counts as not sent.
    pub fn read(&self, categories: &Categories) -> Result<Search, InvalidSearch> {
        let sent = |field: &Option<String>| {
            field.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let mut ranges = Vec::new();
        if let Some(question) = sent(&self.question) {
            ranges = read_question(&question)?;
        }
        if let Some(sent) = sent(&self.tag) {
            let tag = tag(&sent).ok_or(InvalidSearch::Tag)?;
            ranges.push(TermRange::exactly(TAG, &folded(&tag)));
        }
        if let Some(sent) = sent(&self.language) {
            let language = language(&sent).ok_or(InvalidSearch::Language)?;
            ranges.push(TermRange::exactly(LANGUAGE, &language.to_lowercase()));
        }
        if let Some(slug) = sent(&self.category) {
            if !categories.has(&slug) {
                return Err(InvalidSearch::Category);
            }
            ranges.push(TermRange::exactly(CATEGORY, &slug));
        }
        Ok(Search((!ranges.is_empty()).then(|| ranges.into())))
    }
}

fn read_question(question: &str) -> Result<Vec<TermRange>, InvalidSearch> {
    let length = question.chars().count();
    if length > MAX_QUESTION {
        return Err(InvalidSearch::Length(length));
    }
    let (count, mut all) = words::of_question(question);
    if count > MAX_WORDS {
        return Err(InvalidSearch::Words(count));
    }
    if all.len() > MAX_PAIRS {
        return Err(InvalidSearch::Pairs(all.len()));
    }
    let last = all.pop().ok_or(InvalidSearch::NoWord)?;
    all.sort_unstable();
    all.dedup();
    let exact = all.iter().map(|word| TermRange::exactly(WORD, word));
    Ok(exact.chain([TermRange::beginning_with(WORD, &last)]).collect())
}

impl Search {
    /// Whether every stream is found.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The ranges; none where every stream is found.
    pub fn ranges(&self) -> &[TermRange] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether a store has to count before it knows what to begin with.
    pub fn wants_counts(&self) -> bool {
        self.ranges().len() > 1 || self.ranges().iter().any(|range| !range.is_exact())
    }

    /// What a store begins with that has counted how often each range occurs, up to [`MANY`].
    ///
    /// Few streams are gathered, and sorted. Many are read in their order, which ends when the page is full: those of a
    /// single term by the term, those of a word's beginning as the whole list.
    pub fn beginning(&self, counts: &[u32]) -> Beginning {
        let counted = self.ranges().iter().zip(counts.iter().copied().chain(std::iter::repeat(MANY)));
        let least = counted.enumerate().min_by_key(|(_, (range, count))| (*count, !range.is_exact()));
        match least {
            Some((place, (range, count))) if range.is_exact() || count < MANY => Beginning::Range(place),
            _ => Beginning::EveryStream,
        }
    }

    /// Whether a stream with these terms is found.
    pub fn finds(&self, terms: &BTreeSet<String>) -> bool {
        self.ranges().iter().all(|range| terms.iter().any(|term| range.has(term)))
    }
}
