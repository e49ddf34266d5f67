//! Events in memory: after each step, what is there is compared with what was told, and the difference is told.
//!
//! The databases tell of each change as it is made; so the laws hold the two against each other.

use super::State;
use super::sessions::Kept;
use super::told::ToldLive;
use crate::broadcasts::session::EndReason;
use crate::events::{Event, EventKind, LogPosition};
use crate::schedules::Schedule;
use crate::{Stream, StreamId, StreamStatus, Timestamp, UserId, Webhook};

impl State {
    /// Tells what has changed since the last time.
    pub(super) fn tell(&mut self) {
        self.tell_ended();
        self.tell_begun();
        self.tell_publishers();
        self.tell_attempts();
        self.tell_schedules();
    }

    fn add(&mut self, kind: EventKind, (user, stream): (Option<UserId>, Option<StreamId>), data: String) {
        let position =
            LogPosition(self.told.events.last().map_or(self.told.forgotten.0, |last| last.position.0) + 1);
        let at = Timestamp::MIN;
        let event = Event { position, kind: kind.as_str().to_owned(), user, stream, at, data };
        self.endpoints.fan_out(&event);
        self.told.events.push(event);
    }

    pub(super) fn add_of_webhook(&mut self, kind: EventKind, webhook: &Webhook, more: &str) {
        self.add(kind, (webhook.user, None), format!(r#"{{"webhook_id":{}{more}}}"#, webhook.id.0));
    }

    pub(super) fn add_of_stream(&mut self, kind: EventKind, stream: &Stream, more: &str) {
        let data = format!(
            r#"{{"stream_id":{},"playback_id":"{}"{more}}}"#,
            stream.id.0,
            stream.playback_id.as_str()
        );
        self.add(kind, (stream.user_id, Some(stream.id)), data);
    }

    fn tell_ended(&mut self) {
        for told in std::mem::take(&mut self.told.active) {
            let now = self.streams.iter().find(|kept| kept.id == told.id).map(|kept| kept.status);
            let (kind, reason) = match now {
                Some(StreamStatus::Active) => {
                    self.told.active.push(told);
                    continue;
                }
                Some(StreamStatus::Expired) => (EventKind::StreamExpired, "expired"),
                Some(StreamStatus::Stopped) => (EventKind::StreamStopped, "stopped"),
                None => (EventKind::StreamStopped, "deleted"),
            };
            self.add_of_stream(kind, &told, &format!(r#","reason":"{reason}""#));
            if let Some(place) = self.told.live.iter().position(|live| live.stream == told.id) {
                let live = self.told.live.remove(place);
                self.tell_offline(&live, reason);
            }
        }
    }

    fn tell_begun(&mut self) {
        for stream in self.streams.clone() {
            let is_told = self.told.active.iter().any(|told| told.id == stream.id);
            if stream.status == StreamStatus::Active && !is_told {
                let expires_at = text(stream.expires_at);
                self.add_of_stream(
                    EventKind::StreamCreated,
                    &stream,
                    &format!(r#","expires_at":"{expires_at}""#),
                );
                self.told.active.push(stream);
            }
        }
    }

    pub(super) fn tell_offline(&mut self, live: &ToldLive, reason: &str) {
        let data = format!(
            r#"{{"stream_id":{},"playback_id":"{}","live_since":"{}","reason":"{reason}"}}"#,
            live.stream.0,
            live.playback_id.as_str(),
            text(live.live_since),
        );
        self.add(EventKind::StreamOffline, (live.user, Some(live.stream)), data);
    }

    fn tell_publishers(&mut self) {
        for stream in self.told.active.clone() {
            let is_on_air = |kept: &&Kept| {
                kept.session.stream_id == stream.id && kept.is_open() && kept.session.stalled_until.is_none()
            };
            let session = self.sessions.0.iter().find(is_on_air).map(|kept| kept.session.clone());
            let session = session.filter(|session| session.confirmed_at.is_some());
            let place = self.told.live.iter().position(|live| live.stream == stream.id);
            let Some(session) = session else {
                if let Some(place) = place {
                    self.note_left(place);
                }
                continue;
            };
            let facts = format!(
                r#","server":"{}","protocol":"{}","live_since":"{}""#,
                session.publisher.server,
                session.publisher.protocol,
                text(session.live_since)
            );
            match place.map(|place| self.told.live.remove(place)) {
                Some(live) if live.epoch == session.epoch => {
                    if live.session != session.id {
                        self.add_of_stream(EventKind::StreamPublisherChanged, &stream, &facts);
                    }
                }
                live => {
                    if let Some(live) = live {
                        let reason = live.left.and_then(|(_, how)| how).unwrap_or(EndReason::Lost);
                        self.tell_offline(&live, reason.as_str());
                    }
                    self.add_of_stream(EventKind::StreamLive, &stream, &facts);
                }
            }
            self.told.live.push(ToldLive {
                stream: stream.id,
                user: stream.user_id,
                playback_id: stream.playback_id.clone(),
                session: session.id,
                epoch: session.epoch,
                live_since: session.live_since,
                left: None,
            });
        }
    }

    fn note_left(&mut self, place: usize) {
        let live = &mut self.told.live[place];
        let Some(kept) = self.sessions.0.iter().find(|kept| kept.session.id == live.session) else {
            return;
        };
        live.left = Some(match kept.session.ended {
            Some((at, how)) => (at, Some(how)),
            None => (kept.session.lease_until, None),
        });
    }

    fn tell_attempts(&mut self) {
        let mut before = std::mem::take(&mut self.told.attempts);
        for attempt in self.attempts.clone() {
            let key = format!(
                "{:?} {:?} {} {:?}",
                attempt.stream_id, attempt.refusal, attempt.server, attempt.address
            );
            let is_news = before
                .remove(&key)
                .is_none_or(|before| attempt.last_at >= before.plus(time::Duration::MINUTE));
            self.told.attempts.insert(key, attempt.last_at);
            let stream = self.streams.iter().find(|stream| stream.id == attempt.stream_id).cloned();
            if let Some(stream) = stream.filter(|_| is_news) {
                let address = attempt.address.map_or("null".to_owned(), |address| format!(r#""{address}""#));
                let (server, reason) = (&attempt.server, attempt.refusal.as_str());
                let facts = format!(r#","server":"{server}","reason":"{reason}","address":{address}"#);
                self.add_of_stream(EventKind::StreamPublishRefused, &stream, &facts);
            }
        }
    }

    fn tell_schedules(&mut self) {
        for schedule in self.schedules.all.clone() {
            let kind = match self.told.schedules.insert(schedule.id, schedule.clone()) {
                None => EventKind::ScheduleCreated,
                Some(told) if told.canceled_at.is_none() && schedule.canceled_at.is_some() => {
                    EventKind::ScheduleCanceled
                }
                Some(told) if told.revision != schedule.revision => EventKind::ScheduleUpdated,
                Some(_) => continue,
            };
            self.add_of_schedule(kind, &schedule);
        }
    }

    pub(super) fn add_of_schedule(&mut self, kind: EventKind, schedule: &Schedule) {
        let slot = schedule.plan.slot;
        let data = format!(
            r#"{{"schedule_id":{},"starts_at":"{}","ends_at":"{}"}}"#,
            schedule.id.0,
            text(slot.starts_at),
            text(slot.ends_at)
        );
        self.add(kind, (Some(schedule.user), None), data);
    }
}

/// An instant as the databases write it into the facts, without zeros at the end of the fraction.
fn text(at: Timestamp) -> String {
    let at = at.to_naive_utc();
    let (hour, minute, second, micro) = at.as_hms_micro();
    let text = format!("{}T{hour:02}:{minute:02}:{second:02}.{micro:06}", at.date());
    text.trim_end_matches('0').trim_end_matches('.').to_owned() + "Z"
}
