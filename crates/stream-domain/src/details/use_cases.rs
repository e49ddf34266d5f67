//! The use cases of details: owners describe their streams, and say what the next one begins with.

use std::sync::Arc;

use super::categories::{Categories, Category};
use super::form::{DetailsForm, InvalidDetail};
use super::value::Details;
use crate::ports::{Clock, DescribeStreamError, DetailsStore, StoreError, StreamPorts};
use crate::{StreamId, UserId};

/// The use cases of details.
#[derive(Clone)]
pub struct Descriptions {
    store: Arc<dyn DetailsStore>,
    clock: Arc<dyn Clock>,
    categories: Categories,
}

impl std::fmt::Debug for Descriptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Descriptions").field("categories", &self.categories).finish_non_exhaustive()
    }
}

impl Descriptions {
    /// Wires the use cases to their ports; streams have one of these categories.
    pub fn new(ports: &StreamPorts, clock: Arc<dyn Clock>, categories: Categories) -> Self {
        Self { store: ports.details.clone(), clock, categories }
    }

    /// The categories that streams may have.
    pub fn categories(&self) -> &Categories {
        &self.categories
    }

    /// What a stream's owner says of it, for everybody who knows the stream.
    pub async fn of(&self, stream: StreamId) -> Result<Details, StoreError> {
        self.store.details_of(stream).await
    }

    /// The details of a stream of the user's own, in whatever state; `None` if the user has no such stream.
    pub async fn own(&self, user: UserId, stream: StreamId) -> Result<Option<Details>, StoreError> {
        self.store.own_details(user, stream).await
    }

    /// Replaces the details of a stream of the user's own, as long as it is active.
    pub async fn describe(
        &self,
        user: UserId,
        stream: StreamId,
        form: DetailsForm,
    ) -> Result<Details, DescribeError> {
        let details = form.over(Details::default(), &self.categories)?;
        self.store.describe(user, stream, &details, self.clock.now()).await?;
        Ok(details)
    }

    /// What a new stream of the user begins with.
    pub async fn channel(&self, user: UserId) -> Result<Details, StoreError> {
        self.store.channel(user).await
    }

    /// Replaces what a new stream of the user begins with; streams that have begun stay as they are.
    pub async fn describe_channel(&self, user: UserId, form: DetailsForm) -> Result<Details, DescribeError> {
        let details = form.over(Details::default(), &self.categories)?;
        self.store.set_channel(user, &details, self.clock.now()).await?;
        Ok(details)
    }

    /// Each category with the number of its public streams that are live.
    pub async fn count_live(&self) -> Result<Vec<(Category, u64)>, StoreError> {
        let counts = self.store.count_live(self.clock.now()).await?;
        let count = |category: &Category| {
            let of = counts.iter().find(|(slug, _)| *slug == category.slug);
            (category.clone(), of.map_or(0, |(_, live)| *live))
        };
        Ok(self.categories.all().iter().map(count).collect())
    }
}

/// Why something was not described.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidDetail),
    /// The user has no such stream.
    #[error("the user has no such stream")]
    NoSuchStream,
    /// The stream has ended.
    #[error("the stream has ended")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DescribeStreamError> for DescribeError {
    fn from(error: DescribeStreamError) -> Self {
        match error {
            DescribeStreamError::NoSuchStream => Self::NoSuchStream,
            DescribeStreamError::Ended => Self::Ended,
            DescribeStreamError::Store(error) => Self::Store(error),
        }
    }
}
