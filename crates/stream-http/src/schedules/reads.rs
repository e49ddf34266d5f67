//! Public lists and calendars: what many request is read and rendered once for all of them, everything else in turn.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use actix_web::web::Bytes;
use stream_coalesce::{BatchRead, Batcher};
use stream_domain::Schedules;
use stream_domain::ports::StoreError;
use stream_domain::schedules::ScheduleQuery;
use tokio::task::spawn_blocking;

use super::calendar;
use super::view::SchedulePageView;
use crate::batches::{LARGE_READS, store_error};
use crate::conditional::weak_etag;
use crate::error::ApiError;
use crate::turns::Turns;

/// A list of more schedules is large.
const MAX_SMALL: u32 = 100;

/// What a list is shown as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Form {
    Json,
    Calendar,
}

/// A list as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Rendered {
    pub(super) bytes: Bytes,
    pub(super) etag: HeaderValue,
}

/// The public lists.
pub(super) struct PublicLists {
    reader: Schedules,
    popular: Batcher<PopularRead>,
    turns: Arc<Turns>,
}

impl PublicLists {
    pub(super) fn new(schedules: Schedules, turns: Arc<Turns>) -> Self {
        let popular = Batcher::new(PopularRead(schedules.clone()), LARGE_READS);
        Self { reader: schedules, popular, turns }
    }

    /// What was asked for, as it is after this call; without a filter of the client's own it is shared.
    pub(super) async fn show(
        &self,
        asked: ScheduleQuery,
        form: Form,
        is_popular: bool,
    ) -> Result<Rendered, ApiError> {
        if is_popular {
            return Ok(self.popular.submit((asked, form)).await.map_err(store_error)?);
        }
        let turn = self.turns.page(asked.limit.get() > MAX_SMALL).await?;
        let rendered = read(&self.reader, asked, form).await?;
        drop(turn);
        Ok(rendered)
    }
}

/// Reads and renders what many request; of that there is little.
struct PopularRead(Schedules);

impl BatchRead for PopularRead {
    type Request = (ScheduleQuery, Form);
    type Response = Rendered;
    type Error = Arc<StoreError>;

    async fn read(&self, requests: Vec<Self::Request>) -> Result<Vec<Rendered>, Arc<StoreError>> {
        let mut lists: HashMap<Self::Request, Rendered> = HashMap::new();
        for request in &requests {
            if !lists.contains_key(request) {
                let (asked, form) = request.clone();
                let rendered = read(&self.0, asked, form).await.map_err(Arc::new)?;
                lists.insert(request.clone(), rendered);
            }
        }
        Ok(requests.iter().map(|request| lists[request].clone()).collect())
    }
}

/// Reads and renders a list, off the threads that answer; one without a beginning begins now.
async fn read(schedules: &Schedules, mut asked: ScheduleQuery, form: Form) -> Result<Rendered, StoreError> {
    asked.filter.from.get_or_insert(schedules.now());
    let (page, now) = schedules.list(&asked).await?;
    let categories = schedules.categories().clone();
    let render = move || {
        let bytes = match form {
            Form::Json => {
                serde_json::to_vec(&SchedulePageView::at(now, &page)).expect("schedules are JSON").into()
            }
            Form::Calendar => Bytes::from(calendar::render(&page.schedules, &categories)),
        };
        Rendered { etag: weak_etag(&bytes), bytes }
    };
    spawn_blocking(render).await.map_err(StoreError::failed)
}
