//! The operator's categories.

use std::sync::Arc;

use super::text::normalized;

/// The most characters of a slug, and of a name.
const MAX_SLUG: usize = 32;
const MAX_NAME: usize = 60;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// What the API calls it: 1 to 32 lower-case letters, digits and hyphens, of ASCII.
    pub slug: String,
    /// What people read.
    pub name: String,
}

/// The categories that streams may have, in the operator's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Categories(Arc<[Category]>);

/// Why a list of categories cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCategories {
    /// A part has no `=`.
    #[error("`{0}` is no `slug=Name`")]
    NoName(String),
    /// A slug has other characters.
    #[error("the slug `{0}` must be 1 to 32 lower-case letters, digits or hyphens")]
    Slug(String),
    /// A name is empty, too long, or has control characters.
    #[error("the name of `{0}` must be a line of 1 to 60 characters")]
    Name(String),
    /// A slug occurs twice.
    #[error("the slug `{0}` is there twice")]
    Twice(String),
}

impl Categories {
    /// The categories of an operator who names none.
    pub const DEFAULT: &str = "gaming=Gaming,music=Music,art=Art and crafts,talk=Talk and podcasts,sports=Sports,\
    education=Education,science=Science and technology,news=News and politics,travel=Travel and outdoors,food=Food,\
    fitness=Fitness and health,events=Events";

    /// Reads `slug=Name`, separated by commas; an empty list has no category.
    pub fn parse(list: &str) -> Result<Self, InvalidCategories> {
        let mut all: Vec<Category> = Vec::new();
        for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (slug, name) =
                part.split_once('=').ok_or_else(|| InvalidCategories::NoName(part.to_owned()))?;
            let slug = slug.trim().to_owned();
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            if slug.is_empty() || slug.len() > MAX_SLUG || !slug.bytes().all(is_plain) {
                return Err(InvalidCategories::Slug(slug));
            }
            if all.iter().any(|other| other.slug == slug) {
                return Err(InvalidCategories::Twice(slug));
            }
            let Ok(Some(name)) = normalized(name, false, MAX_NAME) else {
                return Err(InvalidCategories::Name(slug));
            };
            all.push(Category { slug, name });
        }
        Ok(Self(all.into()))
    }

    /// All of them.
    pub fn all(&self) -> &[Category] {
        &self.0
    }

    /// Whether there is a category of this slug.
    pub fn has(&self, slug: &str) -> bool {
        self.0.iter().any(|category| category.slug == slug)
    }
}

impl Default for Categories {
    fn default() -> Self {
        Self::parse(Self::DEFAULT).expect("the default list can be read")
    }
}
