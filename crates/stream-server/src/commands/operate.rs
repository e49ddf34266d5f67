//! Operators' orders: the use cases are wired to the database and the media servers of the settings, and one is carried out.

use std::sync::Arc;

use stream_domain::details::Categories;
use stream_domain::{Blocks, Catalog, Descriptions, Events, Keys, Schedules};

use crate::commands::desk::Desk;
use crate::commands::output::Format;
use crate::commands::streams::Listed;
use crate::commands::{check_key, events, schedules, servers, sessions, streams, users};
use crate::config::{OperatorConfig, Order};
use crate::failure::Failure;
use crate::store::Store;
use crate::system::{OsEntropy, SystemClock};
use crate::wiring;

/// Carries out an order.
pub(super) async fn run(settings: &OperatorConfig, order: Order, is_json: bool) -> Result<(), Failure> {
    let store = Store::open(&settings.database)?;
    let ports = store.ports();
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let (broadcasts, _) = wiring::wire_media_servers(&settings.broadcasts, ports.sessions, None)?;
    let desk = Desk {
        keys: Keys::new(&ports.streams, clock.clone(), entropy),
        catalog: Catalog::new(&ports.streams, clock.clone()),
        descriptions: Descriptions::new(&ports.streams, clock.clone(), Categories::default()),
        schedules: Schedules::new(&ports.streams, clock.clone(), Categories::default()),
        blocks: Blocks::new(&ports.streams, clock.clone()),
        events: Events::new(&ports.streams, clock, settings.broadcasts.event_options()),
        broadcasts,
    };
    let format = Format::of_list(is_json);
    let done = match order {
        Order::CheckKey { key } => {
            check_key::check(&desk, &key, settings.broadcasts.address_form, format).await
        }
        Order::ListStreams { user, is_live, search, limit } => {
            streams::list(&desk, Listed { user, is_live, search, limit }, format).await
        }
        Order::ShowStream { stream } => streams::show(&desk, &stream, format).await,
        Order::StopStream { stream } => streams::stop(&desk, &stream, format).await,
        Order::StopUser { user } => streams::stop_user(&desk, user, format).await,
        Order::ListSessions { filter, limit } => sessions::list(&desk, &filter, limit, format).await,
        Order::KickSession { session } => sessions::kick(&desk, session, format).await,
        Order::ListSchedules { user, is_all, limit } => {
            schedules::list(&desk, user, is_all, limit, format).await
        }
        Order::TailEvents { user, after, is_ended } => {
            events::tail(&desk, user, after, is_ended, is_json).await
        }
        Order::ListServers => servers::list(&desk, format).await,
        Order::BlockUser { user, reason } => users::block(&desk, user, reason.as_deref(), format).await,
        Order::UnblockUser { user } => users::unblock(&desk, user, format).await,
        Order::ListBlocked { limit } => users::list_blocked(&desk, limit, format).await,
    };
    store.close();
    done
}
