//! What the handlers of operators need.

use std::sync::Arc;

use actix_web::web::Data;
use stream_coalesce::Batcher;
use stream_domain::ports::{Clock, Examiner};
use stream_domain::{Blocks, Broadcasts, Catalog, Descriptions, Keys, Timestamp};

use super::examination::{self, Examination};
use super::gate::Gate;
use super::server_look::{self, ServerLook};
use crate::metrics::MetricsApi;
use crate::readiness::{AfterStart, Readiness};

/// What the handlers of operators need.
pub(crate) struct AdminApi {
    pub(super) gate: Data<Gate>,
    pub(super) keys: AfterStart<Keys>,
    pub(super) catalog: AfterStart<Catalog>,
    pub(super) descriptions: Descriptions,
    pub(super) blocks: AfterStart<Blocks>,
    pub(super) broadcasts: AfterStart<Broadcasts>,
    /// Pages that poll share one look at the media servers.
    pub(super) servers: Batcher<ServerLook>,
    pub(super) examination: Batcher<Examination>,
    pub(super) metrics: Data<MetricsApi>,
    /// When this instance began to count.
    pub(super) since: Timestamp,
    pub(super) clock: Arc<dyn Clock>,
}

/// The use cases that operators call.
pub(crate) struct AdminParts {
    pub(crate) keys: Keys,
    pub(crate) catalog: Catalog,
    pub(crate) descriptions: Descriptions,
    pub(crate) blocks: Blocks,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) examiner: Arc<dyn Examiner>,
    pub(crate) metrics: Data<MetricsApi>,
}

impl AdminApi {
    pub(crate) fn new(gate: Gate, parts: AdminParts, readiness: &Readiness) -> Self {
        let AdminParts { keys, catalog, descriptions, blocks, broadcasts, examiner, metrics } = parts;
        let clock = gate.clock.clone();
        let examination = Examination::new(examiner, clock.clone());
        Self {
            gate: Data::new(gate),
            keys: AfterStart::new(keys, readiness),
            catalog: AfterStart::new(catalog, readiness),
            descriptions,
            blocks: AfterStart::new(blocks, readiness),
            servers: Batcher::new(ServerLook(broadcasts.clone()), server_look::LIMITS),
            broadcasts: AfterStart::new(broadcasts, readiness),
            examination: Batcher::new(examination, examination::LIMITS),
            metrics,
            since: clock.now(),
            clock,
        }
    }
}
