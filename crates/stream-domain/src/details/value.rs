//! Details as a value.

/// What an owner says of a stream; the default says nothing.
///
/// It comes from a [`DetailsForm`](super::DetailsForm), which checks it, or from a store, which keeps what was checked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// A line of at most 140 characters.
    pub title: Option<String>,
    /// Lines of at most 5,000 characters in all; lists leave it out.
    pub description: Option<String>,
    /// At most ten, as they were given; no two are alike in lower case.
    pub tags: Vec<String>,
    /// The slug of a category that the operator had when it was set.
    pub category: Option<String>,
    /// A well-formed BCP 47 tag, as its owner wrote it but for the case.
    pub language: Option<String>,
    /// What viewers are warned of.
    pub content_labels: Vec<ContentLabel>,
    /// Who finds the stream.
    pub visibility: Visibility,
}

impl Details {
    /// What lists show of it: all but the description.
    #[must_use]
    pub fn without_description(self) -> Self {
        Self { description: None, ..self }
    }
}

/// Who finds a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Visibility {
    /// It is in lists.
    #[default]
    Public,
    /// It is in no list, and found by its playback id alone.
    Unlisted,
}

impl Visibility {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::Unlisted];

    /// The word that the database and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Unlisted => "unlisted",
        }
    }

    /// Reads that word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visibility| visibility.as_str() == word)
    }
}

/// What viewers are warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentLabel {
    /// For adults.
    Mature,
    /// Drugs, alcohol or tobacco.
    Drugs,
    /// Games for money.
    Gambling,
    /// Violence that is realistic or extreme.
    Violence,
    /// Strong language.
    Language,
    /// Sexual themes.
    Sexual,
}

impl ContentLabel {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Mature, Self::Drugs, Self::Gambling, Self::Violence, Self::Language, Self::Sexual];

    /// The word that the database and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mature => "mature",
            Self::Drugs => "drugs",
            Self::Gambling => "gambling",
            Self::Violence => "violence",
            Self::Language => "language",
            Self::Sexual => "sexual",
        }
    }

    /// Reads that word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.as_str() == word)
    }
}
