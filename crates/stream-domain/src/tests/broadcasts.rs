//! The use cases of media servers, over the in-memory store and a media server that is told what to say.

mod admitting;
mod answering;
mod comparing;
mod kicking;
mod operating;
mod proving;
mod showing;
mod words;

use std::sync::{Arc, Mutex};

use futures_executor::block_on;
use time::Duration;

use crate::broadcasts::admission::{AddressForm, Admitted, Refusal, Takeover, Trigger};
use crate::broadcasts::session::{EndReason, PublishName, Session};
use crate::broadcasts::{AdmitError, BroadcastOptions, Broadcasts, PublisherReport};
use crate::lifecycle::KeyLifetime;
use crate::media_server::{Family, MediaServers, ServerName, ServerProfile};
use crate::ports::{
    Clock as _, KeyLookup as _, KeyStore as _, Kick, ListedPublisher, Listing, MediaServerError,
    MockMediaServer,
};
use crate::testing::{ManualClock, MemoryStore, new_stream, playback_id_of};
use crate::{StreamId, StreamKey, Timestamp, UserId};

const SECOND: Duration = Duration::SECOND;

/// The publishers that a media server was told to end, by their session ids.
type Told = Arc<Mutex<Vec<String>>>;

/// A service with one media server, `edge`.
struct World {
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    broadcasts: Broadcasts,
    family: Family,
    kicked: Told,
    /// What the media server lists.
    listing: Arc<Mutex<Listing>>,
}

/// What the media server of a world is like.
struct Setup {
    family: Family,
    form: AddressForm,
    takeover: Takeover,
    lease: Duration,
    listed: Vec<ListedPublisher>,
    /// The publishers that it does not end.
    stubborn: Vec<&'static str>,
    /// The publishers that the process which takes orders does not have.
    unreachable: Vec<&'static str>,
}

impl Setup {
    fn of(family: Family) -> Self {
        Self {
            family,
            form: AddressForm::Key,
            takeover: Takeover::SameAddress,
            lease: family.lease(KeyLifetime::DEFAULT),
            listed: Vec::new(),
            stubborn: Vec::new(),
            unreachable: Vec::new(),
        }
    }

    fn listing(family: Family, listed: impl IntoIterator<Item = ListedPublisher>) -> Self {
        Self { listed: listed.into_iter().collect(), ..Self::of(family) }
    }

    fn begin(self) -> World {
        let kicked = Told::default();
        let mut control = MockMediaServer::new();
        let listing = Listing { publishers: self.listed, is_whole: true, process: None };
        let listing = Arc::new(Mutex::new(listing));
        let shown = listing.clone();
        control.expect_publishers().returning(move || Ok(shown.lock().unwrap().clone()));
        let (told, stubborn, unreachable) = (kicked.clone(), self.stubborn, self.unreachable);
        control.expect_kick().returning(move |publisher, _| {
            told.lock().unwrap().push(publisher.session.clone());
            if stubborn.contains(&publisher.session.as_str()) {
                return Err(MediaServerError::Unexpected("it says that it is busy".to_owned()));
            }
            let is_elsewhere = unreachable.contains(&publisher.session.as_str());
            Ok(if is_elsewhere { Kick::NotFound } else { Kick::Gone })
        });
        let profile =
            ServerProfile { family: self.family, lease: self.lease, control: Some(Arc::new(control)) };
        let options = BroadcastOptions {
            form: self.form,
            application: "live".to_owned(),
            takeover: self.takeover,
            reconnect_window: 60 * SECOND,
        };
        let (store, clock) = (Arc::new(MemoryStore::default()), Arc::new(ManualClock::default()));
        let servers = MediaServers::new([(edge(), profile)]);
        let broadcasts = Broadcasts::new(
            crate::ports::SessionPorts::of(store.clone()),
            clock.clone(),
            Arc::new(servers),
            options,
        );
        World { store, clock, broadcasts, family: self.family, kicked, listing }
    }
}

impl World {
    /// Users 1, 2, … each with the stream of one of the keys.
    fn with_streams<const N: usize>(self, keys: [&str; N]) -> Self {
        for (number, key) in (1..).zip(keys) {
            self.start(number, key);
        }
        self
    }

    fn start(&self, user_number: i64, key_text: &str) {
        let new = new_stream(user(user_number), key(key_text), self.now());
        block_on(self.store.start(&new)).unwrap();
    }

    fn stop(&self, user_number: i64) {
        assert!(block_on(self.store.stop_active(user(user_number), self.now())).unwrap().is_some());
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A publisher of this name that asks, from 192.0.2.`host`.
    fn asking(&self, session: &str, name: &str, host: u8) -> PublisherReport {
        PublisherReport {
            trigger: Trigger::PublishRequest,
            session: session.to_owned(),
            boot_id: None,
            connection_number: None,
            application: "live".to_owned(),
            name: PublishName::new(name),
            key: None,
            protocol: "rtmp".to_owned(),
            address: Some([192, 0, 2, host].into()),
            family: self.family,
        }
    }

    fn ask(&self, report: &PublisherReport) -> Result<Admitted, Refusal> {
        block_on(self.broadcasts.admit(&edge(), report)).map_err(|error| match error {
            AdmitError::Refused(refusal) => refusal,
            AdmitError::Store(error) => panic!("{error:?}"),
        })
    }

    fn admit(&self, session: &str, name: &str) -> Admitted {
        self.ask(&self.asking(session, name, 1)).unwrap()
    }

    /// The sessions of a user's first stream, oldest first.
    fn sessions(&self, user_number: i64) -> Vec<Session> {
        let stream = StreamId(i32::try_from(user_number).unwrap());
        let mut sessions =
            block_on(self.broadcasts.list_sessions(user(user_number), stream)).unwrap().unwrap();
        sessions.reverse();
        sessions
    }

    /// How the last session of a user ended, if it has.
    fn end_of(&self, user_number: i64) -> Option<EndReason> {
        let last = self.sessions(user_number).pop().expect("a session");
        last.ended.map(|(_, reason)| reason)
    }

    fn is_live(&self, key_text: &str) -> bool {
        let stream = block_on(self.store.find_by_key(&key(key_text))).unwrap().unwrap();
        stream.live_since_at(self.now()).is_some()
    }

    /// Whom the media server was told to end since this was last asked.
    fn kick(&self) -> Vec<String> {
        std::mem::take(&mut self.kicked.lock().unwrap())
    }

    /// From now on the media server lists these.
    fn list(&self, publishers: impl IntoIterator<Item = ListedPublisher>) {
        self.listing.lock().unwrap().publishers = publishers.into_iter().collect();
    }

    /// Looks at the list, and again two seconds later, and says what the second look led to.
    fn reconcile_twice(&self) -> (u32, u32, u32) {
        self.reconcile();
        self.clock.advance(2 * SECOND);
        self.reconcile()
    }

    fn reconcile(&self) -> (u32, u32, u32) {
        let done = block_on(self.broadcasts.reconcile(&edge())).unwrap();
        (done.ended, done.found, done.kicked)
    }
}

fn edge() -> ServerName {
    ServerName::parse("edge").unwrap()
}

fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

fn key(text: &str) -> StreamKey {
    StreamKey::parse(text).unwrap()
}

/// The public name of the stream with this key.
fn id_of(key_text: &str) -> String {
    playback_id_of(&key(key_text)).to_string()
}

/// A publisher in a list, by the server's id of its stay.
fn listed(session: &str, name: &str) -> ListedPublisher {
    ListedPublisher {
        session: Some(session.to_owned()),
        application: "live".to_owned(),
        name: PublishName::new(name),
        key: None,
        protocol: "rtmp".to_owned(),
        address: None,
        connection_number: None,
        bytes: None,
        may_wait: false,
    }
}
