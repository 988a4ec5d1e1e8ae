//! A ledger on a data directory of its own, with users, copies of profiles and keys.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tollkeeper::domain::access_profile::AccessProfile;
use tollkeeper::domain::access_profile_input::AccessProfileInput;
use tollkeeper::domain::audit::Actor;
use tollkeeper::domain::decision::{Call, Party, Presented};
use tollkeeper::domain::holding::Source;
use tollkeeper::domain::json;
use tollkeeper::domain::policy::Policy;
use tollkeeper::domain::settings::{DecisionSettings, Durability};
use tollkeeper::domain::user::{Email, NewUser};
use tollkeeper::ledger::{ChangedCopy, Ender, Ledger};
use tollkeeper::service::access_profiles;
use tollkeeper::service::holdings::Template;
use tollkeeper::store::directory::{DataDirectory, Owned};
use tollkeeper::store::{Store, Writing, journal, policies, users};

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
        self.store
            .write(move |_| {
                copy(&from, &to);
                Ok(())
            })
            .unwrap();
        root
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
        let (now, body) = (self.now(), body.to_string());
        self.store
            .write(move |writing| {
                let input = AccessProfileInput::parse_new(&json::parse(body.as_bytes())?, now)?;
                let actor = Actor::server("test");
                let made =
                    access_profiles::insert(writing, actor, input, "access_profile.create", now)?;
                Ok(made.snapshot.profile()?.id)
            })
            .unwrap()
    }

    pub fn user(&self, number: usize) -> i64 {
        let now = self.now();
        let new = NewUser {
            name: format!("user {number}"),
            email: Email::parse(&format!("user{number}@example.com")).unwrap(),
            role_id: None,
        };
        self.store
            .write(move |writing| users::insert(writing, &new, now))
            .unwrap()
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
        let now = self.now();
        let policy = self.store.read(|reading| {
            let current = tollkeeper::store::access_profiles::get_current(reading, profile_id)?;
            Ok(Policy::of(&current.profile()?))
        });
        let expressions = self.ledger.expressions();
        let found = expressions.look_up(&[policy.unwrap()]);
        let ready = expressions.complete(found).unwrap();
        let give = || {
            self.ledger.change(move |writing, changed| {
                changed.users.push(user_id);
                let profile = profile(writing, profile_id)?;
                let user = users::get(writing, user_id)?;
                let template = Template::of(writing, &profile)?;
                let (copy_id, issued) =
                    template.give(writing, &user, Source::Direct, expires_at, now)?;
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
        let body = body.to_string();
        let (copies, now) = (copies.to_vec(), self.now());
        self.ledger
            .change(move |writing, changed| {
                let input = AccessProfileInput::parse_new(&json::parse(body.as_bytes())?, now)?;
                let mut last = 0;
                let mut next = || {
                    last += 1;
                    last
                };
                let profile = AccessProfile::create(1, input, &mut next, now)?;
                let policy_id = policies::intern(writing, &Policy::of(&profile))?;
                let ids: Vec<i64> = copies.iter().map(|(_, copy)| *copy).collect();
                let together = tollkeeper::store::propagation::Together::of(&ids);
                together.follow(writing, policy_id, 2, now)?;
                if reset_usage {
                    together.forget_counters(writing)?;
                }
                for (user_id, copy_id) in copies {
                    changed.copies.push(ChangedCopy {
                        user_id,
                        copy_id,
                        policy_id,
                        template_version: 2,
                        reset_usage,
                    });
                }
                Ok(())
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

fn profile(writing: &Writing<'_>, id: i64) -> tollkeeper::error::Result<AccessProfile> {
    tollkeeper::store::access_profiles::get_current(writing, id)?.profile()
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
        model: model.to_owned(),
        mcp: None,
        estimated_tokens: None,
        estimated_cost: None,
        max_hold: None,
        requests: 1,
        request: None,
        owner: OWNER,
    }
}
