//! The log of events: it gets its order, is told what no change of a row tells, and is kept short.

use std::time::Duration;

use stream_domain::Events;
use stream_domain::ports::chain_of;
use stream_http::EventFeed;
use stream_metrics::{ServiceMetrics, TaskMeter};

use crate::background::once_warning::OnceWarning;
use crate::background::ticks::every;

/// How often new events get their positions, and readers see them.
const SEQUENCE_INTERVAL: Duration = Duration::from_millis(200);

/// How often publishers that have not come back, and schedules that were missed, are looked for.
const ABSENCE_INTERVAL: Duration = Duration::from_secs(1);

/// Gives events their positions, again and again.
pub(super) async fn sequence(feed: EventFeed, service: ServiceMetrics, meter: TaskMeter) {
    let mut warning = OnceWarning::new("events could not be sequenced", "events are sequenced again");
    let mut ticks = every(SEQUENCE_INTERVAL);
    loop {
        ticks.tick().await;
        match feed.advance().await {
            Ok(extent) => {
                service.set_events(extent, feed.readers());
                meter.succeeded();
                warning.clear();
            }
            Err(error) => {
                meter.failed();
                warning.raise(&error);
            }
        }
    }
}

/// Writes which publishers have not come back and which schedules were missed, again and again.
pub(super) async fn note_absences(events: Events, meter: TaskMeter) {
    let mut warning = OnceWarning::new("absences could not be noted", "absences are noted again");
    let mut ticks = every(ABSENCE_INTERVAL);
    loop {
        ticks.tick().await;
        match events.note_absences().await {
            Ok(_) => {
                meter.succeeded();
                warning.clear();
            }
            Err(error) => {
                meter.failed();
                warning.raise(&error);
            }
        }
    }
}

/// Forgets old events, once each period.
pub(super) async fn forget_old(events: Events, period: Duration, meter: TaskMeter) {
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        match events.forget_old().await {
            Ok(forgotten) => {
                meter.succeeded();
                if forgotten > 0 {
                    tracing::info!(forgotten, "forgot events that are older than they are kept");
                }
            }
            Err(error) => {
                meter.failed();
                tracing::warn!(error = chain_of(&error), "could not forget old events; trying again");
            }
        }
    }
}
