//! Public lists, each read once for all requests that wait for it.

use std::collections::HashMap;
use std::sync::Arc;

use stream_coalesce::BatchRead;
use stream_domain::ports::StoreError;
use stream_domain::schedules::{SchedulePage, ScheduleQuery};
use stream_domain::{Schedules, Timestamp};

/// Reads lists; one without a beginning begins now.
pub(super) struct ListRead(pub(super) Schedules);

impl BatchRead for ListRead {
    type Request = ScheduleQuery;
    type Response = Arc<(SchedulePage, Timestamp)>;
    type Error = Arc<StoreError>;

    async fn read(&self, requests: Vec<ScheduleQuery>) -> Result<Vec<Self::Response>, Arc<StoreError>> {
        let mut lists: HashMap<ScheduleQuery, Self::Response> = HashMap::new();
        for request in &requests {
            if !lists.contains_key(request) {
                let mut query = request.clone();
                query.filter.from.get_or_insert(self.0.now());
                let list = self.0.list(&query).await.map_err(Arc::new)?;
                lists.insert(request.clone(), Arc::new(list));
            }
        }
        Ok(requests.iter().map(|request| Arc::clone(&lists[request])).collect())
    }
}
