//! What publishers show: what it means, questions that begin no session, and what the key's owner can read when it is
//! refused.

use super::admission::{AddressForm, Proof, Refusal, Trigger};
use super::error::AdmitError;
use super::report::PublisherReport;
use super::shown;
use super::use_cases::Broadcasts;
use crate::keys::{LookupError, publishable};
use crate::media_server::{Family, ServerName};
use crate::ports::{Clues, StoreError};
use crate::{PlaybackId, Stream, StreamId, StreamKey, Timestamp};

/// How many texts of one publisher are looked up, to find whose key it meant.
const LOOKED_UP: usize = 8;

/// A key that may publish, as the answer to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// Its stream.
    pub stream_id: StreamId,
    /// The public name of its stream.
    pub playback_id: PlaybackId,
    /// Whether the server is to go on under the public name.
    pub rename: bool,
}

impl Broadcasts {
    /// Whether the key may publish, for a question that begins no session: it is answered by the key alone, and
    /// no session begins.
    pub async fn may_publish(
        &self,
        server: &ServerName,
        report: &PublisherReport,
    ) -> Result<Permitted, AdmitError> {
        let verdict = match self.proof_of(report) {
            Err(refusal) => Err(AdmitError::Refused(refusal)),
            Ok(proof) => match self.publishable(&proof).await {
                Ok(stream) if matches!(&proof, Proof::KeyOf(id, _) if *id != stream.playback_id) => {
                    Err(AdmitError::Refused(Refusal::WrongPlaybackId))
                }
                Ok(Stream { id: stream_id, playback_id, .. }) => {
                    let renames = self.options.form == AddressForm::Rename && matches!(proof, Proof::Key(_));
                    Ok(Permitted {
                        stream_id,
                        playback_id,
                        rename: renames && report.trigger == Trigger::PublishRequest,
                    })
                }
                Err(error) => Err(error),
            },
        };
        if let (Err(AdmitError::Refused(refusal)), Trigger::PublishRequest) = (&verdict, report.trigger) {
            self.tell_owner(server, report, *refusal, self.clock.now()).await;
        }
        verdict
    }

    /// Notes, for the owner of the key that was shown, a refusal that needed no look at the store.
    ///
    /// Returns the stream if it was found; one that goes on is no attempt.
    pub async fn refuse(
        &self,
        server: &ServerName,
        report: &PublisherReport,
        refusal: Refusal,
    ) -> Option<StreamId> {
        if report.trigger != Trigger::PublishRequest {
            return None;
        }
        self.tell_owner(server, report, refusal, self.clock.now()).await
    }

    async fn publishable(&self, proof: &Proof) -> Result<Stream, AdmitError> {
        let found = match proof {
            Proof::Key(key) | Proof::KeyOf(_, key) => self.ports.lookup.find_by_key(key).await,
            Proof::Name(id) => self.ports.lookup.find_by_playback_id(id).await,
        };
        publishable(found?, self.clock.now()).map_err(|error| match error {
            LookupError::Unknown => AdmitError::Refused(Refusal::UnknownKey),
            LookupError::NotPublishable(ended) => AdmitError::Refused(ended.into()),
            LookupError::Store(error) => AdmitError::Store(error),
        })
    }

    /// What a publisher shows for its right to a stream, or why that cannot be any.
    pub(super) fn proof_of(&self, report: &PublisherReport) -> Result<Proof, Refusal> {
        if !self.is_application(report.family, &report.application) {
            return Err(Refusal::ForeignApplication);
        }
        let (form, trigger) = (self.options.form, report.trigger);
        let (name, key) =
            shown::meant(form, trigger, report.family, (report.name.expose(), report.key.as_deref()));
        Proof::read(form, trigger, report.family.capabilities().renames, &name, key.as_deref())
    }

    /// Whether viewers find what is published to this application of this family at our addresses.
    pub(super) fn is_application(&self, family: Family, application: &str) -> bool {
        family.as_viewed(application) == self.options.application
    }

    /// Notes the refusal for the owner, if what was shown names one; otherwise nothing is written.
    pub(super) async fn tell_owner(
        &self,
        server: &ServerName,
        report: &PublisherReport,
        refusal: Refusal,
        now: Timestamp,
    ) -> Option<StreamId> {
        let clues = self.clues_of(server, report, refusal)?;
        // It is refused all the same where the store does not answer.
        self.ports.admissions.note_attempt(&clues, now).await.ok().flatten()
    }

    fn clues_of(&self, server: &ServerName, report: &PublisherReport, refusal: Refusal) -> Option<Clues> {
        let name = report.name.expose();
        let texts = report.key.as_deref().into_iter().chain([name, &report.application]);
        let mut keys = shown::keys_in(texts, LOOKED_UP);
        keys.retain(|key| key.expose() != self.options.application);
        if refusal == Refusal::UnknownKey
            && let Ok(proof) = self.proof_of(report)
        {
            // That one was looked up.
            keys.retain(|key| Some(key) != proof.key());
        }
        // A key in a field where no key belongs is misplaced, not wrong.
        let is_misplaced = match refusal {
            Refusal::NoKey | Refusal::UnknownKey => true,
            Refusal::MalformedKey => self.options.form == AddressForm::Playback && report.key.is_none(),
            _ => false,
        };
        let playback_id = self.public_name(report.family.as_viewed(name));
        let as_name = match refusal {
            Refusal::UnknownKey | Refusal::MalformedKey if report.key.is_none() => Refusal::NoKey,
            refusal => refusal,
        };
        (!keys.is_empty() || playback_id.is_some()).then(|| Clues {
            keys,
            as_key: if is_misplaced { Refusal::KeyInWrongField } else { refusal },
            playback_id,
            as_name,
            server: server.clone(),
            address: report.address,
        })
    }

    /// The playback id that a name may be; where names are keys, only what looks like one of ours is looked up.
    fn public_name(&self, name: &str) -> Option<PlaybackId> {
        let is_ours = name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let may_be = self.options.form == AddressForm::Playback || is_ours;
        PlaybackId::parse(name).ok().filter(|_| may_be)
    }
}

/// Of use to logs alone: whose key it was, though it was refused.
impl Broadcasts {
    /// The stream of the key that a report shows, in whatever state it is.
    pub async fn stream_of(&self, report: &PublisherReport) -> Result<Option<StreamId>, StoreError> {
        let key: Option<StreamKey> = self.proof_of(report).ok().and_then(|proof| proof.key().cloned());
        match key {
            Some(key) => Ok(self.ports.lookup.find_by_key(&key).await?.map(|stream| stream.id)),
            None => Ok(None),
        }
    }
}
