//! Ports that expect no call, for the tests that inject failure into one of them.

use std::sync::Arc;

use crate::ports::{
    MockAdmissions, MockBlockStore, MockCatalogStore, MockDeliveryStore, MockDetailsStore, MockEventLog,
    MockHistory, MockKeyLookup, MockKeyStore, MockKicks, MockOperations, MockPresence, MockScheduleStore,
    MockWebhookStore, SessionPorts, StreamPorts,
};

/// Ports of streams that nobody may call.
pub fn unused_stream_ports() -> StreamPorts {
    StreamPorts {
        keys: Arc::new(MockKeyStore::new()),
        lookup: Arc::new(MockKeyLookup::new()),
        catalog: Arc::new(MockCatalogStore::new()),
        details: Arc::new(MockDetailsStore::new()),
        schedules: Arc::new(MockScheduleStore::new()),
        events: Arc::new(MockEventLog::new()),
        webhooks: Arc::new(MockWebhookStore::new()),
        deliveries: Arc::new(MockDeliveryStore::new()),
        blocks: Arc::new(MockBlockStore::new()),
    }
}

/// Ports of sessions that nobody may call.
pub fn unused_session_ports() -> SessionPorts {
    SessionPorts {
        admissions: Arc::new(MockAdmissions::new()),
        presence: Arc::new(MockPresence::new()),
        kicks: Arc::new(MockKicks::new()),
        history: Arc::new(MockHistory::new()),
        lookup: Arc::new(MockKeyLookup::new()),
        operations: Arc::new(MockOperations::new()),
    }
}
