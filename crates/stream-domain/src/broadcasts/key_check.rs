//! What would become of a key, judged without a publisher and without a trace.

use time::Duration;

use super::admission::{
    AddressForm, Decision, Facts, Proof, PublishRequest, Refusal, Takeover, Terms, Trigger, decide,
    gave_way_at,
};
use super::session::{EndReason, PublishName, Publisher, Session};
use super::shown;
use super::use_cases::Broadcasts;
use crate::media_server::{Family, ServerName};
use crate::ports::{SessionFilter, StoreError};
use crate::{Stream, StreamKey, Timestamp};

/// How many of a stream's last sessions the decision may need.
const LAST_SESSIONS: u32 = 100;

/// How many texts are looked up, to find the key in what was pasted.
const LOOKED_UP: usize = 8;

/// What would become of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCheck {
    /// The stream of the key; `None` if no stream has it.
    pub stream: Option<Stream>,
    /// Whether there was more around the key than an encoder may send.
    pub is_wrapped: bool,
    /// The stream's session that is alive.
    pub live: Option<Session>,
    /// What each media server of the settings would be answered.
    pub verdicts: Vec<KeyVerdict>,
    /// What a media server would be answered that asks about the key alone.
    pub alone: Option<Refusal>,
    /// When all this is so.
    pub at: Timestamp,
}

/// What a media server would be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyVerdict {
    /// The media server.
    pub server: ServerName,
    /// Its family.
    pub family: Family,
    /// Why the publisher would be refused; `None` if it would be let in.
    pub refusal: Option<Refusal>,
    /// Whether it would be let in all the same if it came from the address of the one that is live.
    pub unless_same_address: bool,
}

impl Broadcasts {
    /// Judges whether a publisher with this key would be let in now, at each media server; writes nothing.
    ///
    /// `text` is the key, or what an encoder was given: an address, or the part of one that holds the key.
    pub async fn check_key(&self, text: &str) -> Result<KeyCheck, StoreError> {
        let stream = self.find_meant(text).await?;
        let is_wrapped = StreamKey::parse(text).is_err();
        let sessions = match &stream {
            Some(stream) => {
                let filter = SessionFilter { streams: Some(vec![stream.id]), ..SessionFilter::default() };
                self.ports.operations.list_sessions_of_all(&filter, LAST_SESSIONS).await?
            }
            None => Vec::new(),
        };
        let at = self.clock.now();
        let servers = self.servers.all();
        let verdicts = servers.map(|(server, profile)| {
            let judge =
                |takeover| self.judge(stream.as_ref(), &sessions, (server, profile.family), takeover, at);
            let takeover = self.takeover_at(server, profile.family);
            let refusal = judge(takeover);
            let may_take_over = refusal == Some(Refusal::AlreadyLive) && takeover == Takeover::SameAddress;
            KeyVerdict {
                server: server.clone(),
                family: profile.family,
                refusal,
                unless_same_address: may_take_over && judge(Takeover::Newest).is_none(),
            }
        });
        let verdicts = verdicts.collect();
        let alone = stream
            .as_ref()
            .map_or(Some(Refusal::UnknownKey), |stream| stream.publishable_at(at).err().map(Refusal::from));
        let live = sessions.into_iter().find(|session| session.is_alive_at(at));
        Ok(KeyCheck { stream, is_wrapped, live, verdicts, alone, at })
    }

    /// The stream of the key in a text; a known one counts before one that merely could be a key.
    async fn find_meant(&self, text: &str) -> Result<Option<Stream>, StoreError> {
        let meant = shown::key_in(text).map(|found| found.key);
        for key in meant.into_iter().chain(shown::keys_in([text], LOOKED_UP)) {
            if let Some(stream) = self.ports.lookup.find_by_key(&key).await? {
                return Ok(Some(stream));
            }
        }
        Ok(None)
    }

    /// Why a publisher would be refused that shows the key as this service hands it out.
    fn judge(
        &self,
        stream: Option<&Stream>,
        sessions: &[Session],
        (server, family): (&ServerName, Family),
        takeover: Takeover,
        at: Timestamp,
    ) -> Option<Refusal> {
        let Some(stream) = stream else { return Some(Refusal::UnknownKey) };
        if family.capabilities().has_gate {
            return stream.publishable_at(at).err().map(Refusal::from);
        }
        let current = sessions.iter().find(|session| session.ended.is_none());
        let before_current: Vec<&Session> = match current {
            Some(current) => sessions.iter().filter(|session| session.id < current.id).take(2).collect(),
            None => Vec::new(),
        };
        let facts = Facts {
            stream: Some(stream),
            current,
            own: None,
            previous: sessions
                .iter()
                .find(|last| !matches!(last.ended, Some((_, EndReason::AnsweredTooLate)))),
            gave_way_at: match before_current[..] {
                [last, first] => gave_way_at([last, first]),
                _ => None,
            },
            refused_at: None,
        };
        let request = self.newcomer(stream, server, at);
        let terms = Terms {
            takeover,
            reconnect_window: self.options.reconnect_window,
            lease: self.servers.lease_of(server, family).max(Duration::ZERO),
        };
        match decide(&facts, &request, &terms, at) {
            Decision::Refuse(refusal) => Some(refusal),
            Decision::Renew(_) | Decision::Start { .. } => None,
        }
    }

    /// A publisher that nobody has seen before, at the address that the stream's owner was given.
    fn newcomer(&self, stream: &Stream, server: &ServerName, at: Timestamp) -> PublishRequest {
        let (name, proof) = match self.options.form {
            AddressForm::Key | AddressForm::Rename => (stream.key.expose(), Proof::Key(stream.key.clone())),
            AddressForm::Playback => {
                let proof = Proof::KeyOf(stream.playback_id.clone(), stream.key.clone());
                (stream.playback_id.as_str(), proof)
            }
        };
        PublishRequest {
            trigger: Trigger::PublishRequest,
            publisher: Publisher {
                server: server.clone(),
                session: String::new(),
                application: self.options.application.clone(),
                name: PublishName::new(name),
                protocol: "rtmp".to_owned(),
                address: None,
            },
            proof,
            seen_at: at,
            boot_id: None,
            connection_number: None,
            confirmed: false,
        }
    }
}
