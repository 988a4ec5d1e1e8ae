//! A ledger on a data directory of its own, with users, copies of profiles and keys.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tollkeeper::domain::access_profile::AccessProfile;
use tollkeeper::domain::access_profile::input::AccessProfileInput;
use tollkeeper::domain::access_profile::policy::Policy;
use tollkeeper::domain::audit::Actor;
use tollkeeper::domain::body::json;
use tollkeeper::domain::decision::{Call, Particulars, Party, Presented};
use tollkeeper::domain::event::Creation;
use tollkeeper::domain::people::holding::Source;
use tollkeeper::domain::people::user::{Email, NewUser};
use tollkeeper::domain::settings::{DecisionSettings, Durability};
use tollkeeper::error::Result;
use tollkeeper::ledger::{Ender, Ledger};
use tollkeeper::service::access_profiles;
use tollkeeper::service::people::holdings::Template;
use tollkeeper::store::access_profiles::policies;
use tollkeeper::store::access_profiles::propagation::Together;
use tollkeeper::store::directory::{DataDirectory, Owned};
use tollkeeper::store::people::users;
use tollkeeper::store::{Occasion, Reading, Store, Work, WorkInTurn, journal};

use crate::plan::Plan;

/// 1 June 2026, noon.
pub const NOON: i64 = 1_780_315_200_000;

/// The management key that calls are made with.
pub const OWNER: Party = Party::ApiKey(1);

/// It, when it ends what it made.
pub fn owner() -> Ender {
    Ender::own(1)
}

pub struct House {
    pub store: Arc<Store>,
    pub ledger: Ledger,
    pub time: Arc<AtomicI64>,
    pub settings: DecisionSettings,
    pub root: TempDir,
}

/// Decisions survive the end of the process, so that tests need not wait for a disk.
pub fn quick() -> DecisionSettings {
    DecisionSettings {
        durability: Durability::Process,
        ..DecisionSettings::default()
    }
}

impl House {
    pub fn open(root: TempDir, time: Arc<AtomicI64>, settings: DecisionSettings) -> Self {
        let Owned::Ours(directory) = DataDirectory::own(root.path()).unwrap() else {
            panic!("a fresh directory is in use");
        };
        let now = Timestamp::from_millisecond(time.load(Ordering::SeqCst)).unwrap();
        let store = Arc::new(Store::open(Arc::new(directory), now).unwrap());
        let clock = Arc::clone(&time);
        let ledger = Ledger::start(Arc::clone(&store), &settings, &TimeZone::UTC, move || {
            Timestamp::from_millisecond(clock.load(Ordering::SeqCst)).unwrap()
        })
        .unwrap();
        Self {
            store,
            ledger,
            time,
            settings,
            root,
        }
    }

    pub fn new(settings: DecisionSettings) -> Self {
        let root = tempfile::tempdir().unwrap();
        Self::open(root, Arc::new(AtomicI64::new(NOON)), settings)
    }

    /// What is on disk at this moment, as a killed process would leave it, under a new ledger.
    pub fn crash(self) -> Self {
        let root = tempfile::tempdir().unwrap();
        copy(self.root.path(), root.path());
        let (time, settings) = (Arc::clone(&self.time), self.settings.clone());
        self.ledger.stop();
        self.store.close(self.now()).unwrap();
        Self::open(root, time, settings)
    }

    /// What a process that is killed at this moment would leave, while others go on; answers its directory.
    pub fn snapshot(&self) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (self.root.path().to_owned(), root.path().to_owned());
        // Nothing moves between the database and its log while a write has its turn.
        self.write(move |_| {
            copy(&from, &to);
            Ok(())
        })
        .unwrap();
        root
    }

    /// Changes what decisions depend on, as a use case does.
    pub fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut WorkInTurn<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let occasion = Occasion::new(Actor::server("test"), self.now());
        self.ledger.change(occasion, work).map(|(made, _)| made)
    }

    /// Changes what no decision depends on.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Work<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let occasion = Occasion::new(Actor::server("test"), self.now());
        self.store
            .unit_of_work(occasion, work)
            .map(|(made, _)| made)
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms()).unwrap()
    }

    pub fn now_ms(&self) -> i64 {
        self.time.load(Ordering::SeqCst)
    }

    pub fn advance(&self, ms: i64) {
        self.time.fetch_add(ms, Ordering::SeqCst);
    }

    pub fn profile(&self, name: &str, plan: &Plan) -> i64 {
        self.profile_of(&plan.body(name))
    }

    pub fn profile_of(&self, body: &serde_json::Value) -> i64 {
        let body = body.to_string();
        self.write(move |work| {
            let body = json::parse(body.as_bytes())?;
            let input = AccessProfileInput::parse_new(&body, work.now())?;
            let made = access_profiles::insert(work, input, Creation::New)?;
            Ok(made.snapshot.profile()?.id)
        })
        .unwrap()
    }

    pub fn user(&self, number: usize) -> i64 {
        let new = NewUser {
            name: format!("user {number}"),
            email: Email::parse(&format!("user{number}@example.com")).unwrap(),
            role_id: None,
        };
        let made = self.change(move |work| users::insert(work, &new));
        made.unwrap().id
    }

    /// Gives a user a copy; answers its id and the key that came with it.
    pub fn give(&self, user_id: i64, profile_id: i64) -> (i64, Presented) {
        self.give_until(user_id, profile_id, None)
    }

    /// The same, of a copy that expires.
    pub fn give_until(
        &self,
        user_id: i64,
        profile_id: i64,
        expires_at: Option<Timestamp>,
    ) -> (i64, Presented) {
        let policy = self.store.read(|reading| {
            let current = tollkeeper::store::access_profiles::get_current(reading, profile_id)?;
            Ok(Policy::of(&current.profile()?))
        });
        let expressions = self.ledger.expressions();
        let found = expressions.look_up(&[policy.unwrap()]);
        let ready = expressions.complete(found).unwrap();
        let give = || {
            self.change(move |work| {
                let profile = profile(work, profile_id)?;
                let user = users::get(work, user_id)?;
                let template = Template::of(work, &profile)?;
                let (copy_id, issued) = template.give(work, &user, Source::Direct, expires_at)?;
                Ok((copy_id, Presented::of(&issued.token).unwrap()))
            })
        };
        ready.until(give).unwrap()
    }

    /// Lets copies (user, copy) follow another plan.
    pub fn follow(&self, copies: &[(i64, i64)], plan: &Plan, reset_usage: bool) {
        self.follow_body(copies, &plan.body("edited"), reset_usage);
    }

    /// Lets copies (user, copy) follow another profile.
    pub fn follow_body(&self, copies: &[(i64, i64)], body: &serde_json::Value, reset_usage: bool) {
        let (body, copies) = (body.to_string(), copies.to_vec());
        self.change(move |work| {
            let body = json::parse(body.as_bytes())?;
            let input = AccessProfileInput::parse_new(&body, work.now())?;
            let mut last = 0;
            let mut next = || {
                last += 1;
                last
            };
            let profile = AccessProfile::create(1, input, &mut next, work.now())?;
            let policy_id = policies::intern(work, &Policy::of(&profile))?;
            Together::of(copies).follow(work, policy_id, 2, reset_usage)
        })
        .unwrap();
    }

    /// Every counter whose window the journal still holds is what the journal makes of it.
    #[track_caller]
    pub fn assert_counters_follow_from_the_journal(&self) {
        for counter in self.store.read(journal::rebuild).unwrap() {
            assert_eq!(counter.stored.settled, counter.settled, "{counter:?}");
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.ledger.stop();
    }
}

fn profile(reading: &Reading<'_>, id: i64) -> tollkeeper::error::Result<AccessProfile> {
    tollkeeper::store::access_profiles::get_current(reading, id)?.profile()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A call of a model.
pub fn call(key: Presented, provider: Option<&str>, model: &str) -> Call {
    Call {
        key,
        provider: provider.map(str::to_owned),
        model: model.into(),
        particulars: Particulars::default(),
        offers: None,
        requests: 1,
        request: None,
        owner: OWNER,
    }
}
