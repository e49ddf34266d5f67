//! Details: what an owner says of a stream, and what a new stream of theirs begins with.

mod categories;
mod form;
mod search;
mod stored;
mod text;
mod use_cases;
mod value;
mod words;

pub use categories::{Categories, Category, InvalidCategories};
pub use form::{DetailField, DetailsForm, InvalidDetail, MAX_DESCRIPTION, MAX_TAG, MAX_TAGS, MAX_TITLE};
pub use search::{Beginning, InvalidSearch, MANY, MAX_QUESTION, MAX_WORDS, Search, SearchForm, TermRange};
pub use stored::{COLUMN_SEPARATOR, StoredDetails};
pub(crate) use text::normalized;
pub use use_cases::{DescribeError, Descriptions};
pub use value::{ContentLabel, Details, Visibility};
