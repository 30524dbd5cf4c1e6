//! Whether the runner takes work now. One part of it, the watch, looks once a second at everything that decides; the workers and the making of
//! images wait while it says no, and a claim that waits at the coordinator is broken off. What runs is let be.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use protocol::{Absence, Away, Timestamp};
use tokio::sync::watch;

use crate::courtesy::control::Wishes;
use crate::courtesy::{Courtesy, Idleness};

/// Why no work is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// As the coordinator is told.
    pub(crate) absence: Absence,
    /// What it is, for the volunteer.
    pub(crate) why: String,
}

/// What is new: why no work is taken from now on; nothing where it is again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct News(pub(crate) Option<Closed>);

/// Whether work is taken; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    closed: watch::Sender<Option<Closed>>,
    idleness: Arc<Mutex<Option<Idleness>>>,
}

impl Gate {
    pub(crate) fn new(courtesy: &Courtesy) -> Self {
        let idleness = courtesy.idle.clone().map(Idleness::new);
        Self { closed: watch::Sender::new(None), idleness: Arc::new(Mutex::new(idleness)) }
    }

    /// Why no work is taken now.
    pub(crate) fn closed(&self) -> Option<Closed> {
        self.closed.borrow().clone()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.borrow().is_some()
    }

    /// Whether the runner is to end.
    pub(crate) fn drains(&self) -> bool {
        drains(self.closed.borrow().as_ref())
    }

    /// Waits until work is taken, or never will be any more: false then.
    pub(crate) async fn opens(&self) -> bool {
        self.until(|closed| closed.is_none() || drains(closed)).await;
        !self.drains()
    }

    /// Waits until no work is taken.
    pub(crate) async fn closes(&self) {
        self.until(|closed| closed.is_some()).await;
    }

    /// Waits until the runner is to end.
    pub(crate) async fn to_drain(&self) {
        self.until(drains).await;
    }

    /// Waits until no work is taken as the hours are over.
    pub(crate) async fn hours_end(&self) {
        self.until(|closed| closed.is_some_and(|closed| closed.absence.why == Away::Hours)).await;
    }

    /// Waits until something else than this is so.
    pub(crate) async fn differs(&self, absence: Option<Absence>) {
        self.until(|closed| closed.map(|closed| closed.absence) != absence).await;
    }

    async fn until(&self, is_so: impl Fn(Option<&Closed>) -> bool) {
        // The gate sends, so that there is no end of it.
        let _ = self.closed.subscribe().wait_for(|closed| is_so(closed.as_ref())).await;
    }

    /// Looks at everything that decides, for an instance of a data directory; what is new, where another reason holds than before. `ours` says
    /// whether anything of ours keeps the machine busy.
    pub(crate) fn look(
        &self,
        (data_dir, instance): (&Path, &str),
        courtesy: &Courtesy,
        ours: bool,
        now: Timestamp,
    ) -> Option<News> {
        let before = self.closed();
        let wishes = wished(data_dir, instance, now);
        // Always, as what it learns is of the time in between.
        let busy =
            self.idleness.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(|it| it.look(ours, now));
        let kept = before.as_ref().and_then(|closed| closed.absence.until).filter(|until| now < *until);
        let found = wishes.or_else(|| out_of_hours(courtesy, now, kept)).or_else(|| {
            let absence = Absence { why: Away::Busy, until: None };
            busy.map(|why| Closed { absence, why })
        });
        if before != found {
            self.closed.send_replace(found.clone());
        }
        let reason = |closed: &Option<Closed>| closed.as_ref().map(|closed| closed.absence);
        (reason(&before) != reason(&found)).then_some(News(found))
    }
}

fn drains(closed: Option<&Closed>) -> bool {
    closed.is_some_and(|closed| closed.absence.why == Away::Draining)
}

/// What the volunteer has said. A file that cannot be read may have said no.
fn wished(data_dir: &Path, instance: &str, now: Timestamp) -> Option<Closed> {
    match Wishes::read(data_dir) {
        Ok(wishes) => {
            let absence = wishes.absence(instance, now)?;
            let why = match absence.why {
                Away::Draining => "it ends once what runs is done".to_owned(),
                _ => "it was paused".to_owned(),
            };
            Some(Closed { absence, why })
        }
        Err(error) => {
            let absence = Absence { why: Away::Paused, until: None };
            Some(Closed { absence, why: error.to_string() })
        }
    }
}

/// That the hours are over; `until` is when they begin again, where that was looked for already.
fn out_of_hours(courtesy: &Courtesy, now: Timestamp, until: Option<Timestamp>) -> Option<Closed> {
    let hours = courtesy.hours.as_ref().filter(|hours| !hours.include(now))?;
    let until = until.or_else(|| hours.next_change(now));
    Some(Closed { absence: Absence { why: Away::Hours, until }, why: format!("it works at {hours}") })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::courtesy::Hours;
    use crate::courtesy::control::Pause;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn at_night() -> Courtesy {
        let hours = Hours::new(vec!["* 22-6 * * *".parse().unwrap()], TimeZone::UTC);
        Courtesy { hours, ..Courtesy::default() }
    }

    #[test]
    fn a_runner_works_in_its_hours_and_knows_when_they_begin() {
        let (dir, courtesy) = (tempfile::tempdir().unwrap(), at_night());
        let gate = Gate::new(&courtesy);
        let look = |now| {
            gate.look((dir.path(), "me"), &courtesy, false, at(now)).map(|news| news.0.map(|closed| closed.absence))
        };
        let until = Some(at("2026-11-27T22:00:00Z"));
        assert_eq!(look("2026-11-27T12:00:00Z"), Some(Some(Absence { why: Away::Hours, until })));
        assert_eq!(look("2026-11-27T21:59:59Z"), None, "nothing is new");
        assert!(gate.is_closed() && !gate.drains());
        assert_eq!(look("2026-11-27T22:00:00Z"), Some(None));
        assert_eq!(look("2026-11-28T06:59:59Z"), None);
        let until = Some(at("2026-11-28T22:00:00Z"));
        assert_eq!(look("2026-11-28T07:00:00Z"), Some(Some(Absence { why: Away::Hours, until })));
    }

    #[test]
    fn what_the_volunteer_said_comes_first_and_a_pause_ends_by_itself() {
        let (dir, courtesy) = (tempfile::tempdir().unwrap(), at_night());
        let gate = Gate::new(&courtesy);
        let (noon, evening) = (at("2026-11-27T12:00:00Z"), at("2026-11-27T22:30:00Z"));
        let look = |now| {
            gate.look((dir.path(), "me"), &courtesy, false, now).map(|news| news.0.map(|closed| closed.absence.why))
        };
        let pause = Pause { since: noon, until: Some(evening) };
        Wishes { paused: Some(pause), draining: vec!["another".into()] }.write(dir.path()).unwrap();
        assert_eq!(look(noon), Some(Some(Away::Paused)));
        assert_eq!(look(evening.minus(Duration::from_secs(1))), None, "also when its hours have begun");
        assert_eq!(look(evening), Some(None));
        Wishes { paused: None, draining: vec!["me".into()] }.write(dir.path()).unwrap();
        assert_eq!(look(evening), Some(Some(Away::Draining)));
        assert!(gate.drains());
        std::fs::write(dir.path().join("control.json"), "{").unwrap();
        assert_eq!(look(evening), Some(Some(Away::Paused)), "what cannot be read may have said no");
        assert!(gate.closed().unwrap().why.contains("runner resume"));
    }

    #[test]
    fn a_machine_that_is_not_known_to_be_idle_gets_no_work() {
        let dir = tempfile::tempdir().unwrap();
        let courtesy = Courtesy { idle: Some(crate::courtesy::IdleRules::default()), ..Courtesy::default() };
        let news = Gate::new(&courtesy).look((dir.path(), "me"), &courtesy, false, at("2026-11-27T12:00:00Z"));
        assert_eq!(news.unwrap().0.unwrap().absence.why, Away::Busy);
    }
}
