//! A container's life: started, used, removed whatever happens.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::RunId;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::Result;
use crate::limits::Limits;
use crate::sandbox::command::{Patience, Sink, watch};
use crate::sandbox::docker::{ContainerSpec, ContainerState, Engine, Exec, Mount, Terminal};
use crate::sandbox::files::{Bounds, Collected, Times, copy_in, copy_out};
use crate::sandbox::instance::INSTANCE_LABEL;
use crate::sandbox::{Command, Ended, Image, Log, stream};
use crate::task::Tasks;

/// Names the run that a container belongs to.
pub(super) const RUN_LABEL: &str = "org.pgxn.testers.run";

/// How often the engine is asked to remove a container before it is left until the engine answers again, or to the next start.
const REMOVALS: u32 = 5;

/// Where containers are made: the engine, the tasks that outlive a run, and the instance to whose next start orphans are left.
#[derive(Clone, Debug)]
pub struct Place {
    /// The engine.
    pub engine: Engine,
    /// What removes containers.
    pub tasks: Tasks,
    /// The id of this runner's instance.
    pub instance: String,
    /// The containers that could not be removed, as the engine was away for too long.
    left: Arc<Mutex<Vec<String>>>,
}

impl Place {
    /// A place in which no container is yet.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn new(engine: Engine, instance: String) -> Self {
        Self { engine, tasks: Tasks::new(), instance, left: Arc::default() }
    }

    /// Removes what was left behind while the engine was away; what still cannot be removed is left once more.
    pub async fn tidy(&self) {
        let left = std::mem::take(&mut *self.left());
        for name in left {
            if let Err(error) = self.engine.remove_container(&name).await {
                tracing::debug!(container = name, %error, "left behind once more");
                self.left().push(name);
            }
        }
    }

    fn left(&self) -> MutexGuard<'_, Vec<String>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running container, removed when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    place: Place,
    /// None once its removal has begun.
    name: Option<String>,
    env: Vec<String>,
    limits: Limits,
    /// Where its file systems in memory are that the run may write to.
    pub(crate) in_memory: Vec<String>,
    /// How long it took to make and start.
    pub(crate) start: Duration,
    /// When it had started.
    pub(crate) started: Instant,
}

impl Sandbox {
    /// Makes and starts the container of a run.
    ///
    /// Dropping the future leaves nothing behind either: the container is made in a task of its own, whose result removes itself.
    ///
    /// # Panics
    /// Where the runtime is ending, which aborts its tasks.
    pub async fn start(place: &Place, image: &Image, run_id: RunId, limits: &Limits) -> Result<Self> {
        let (place, image, limits) = (place.clone(), image.clone(), limits.clone());
        let tasks = place.tasks.clone();
        let (sender, made) = oneshot::channel();
        // The handle's output would be dropped after the task has counted as ended; what nobody takes from here is dropped within it.
        drop(tasks.spawn(async move { drop(sender.send(Self::make(place, &image, run_id, limits).await)) }));
        made.await.expect("starting a container does not panic, and nobody aborts it")
    }

    async fn make(place: Place, image: &Image, run_id: RunId, limits: Limits) -> Result<Self> {
        let name = format!("pgxn-testers-{}", run_id.to_string().to_lowercase());
        let began = Instant::now();
        let labels = HashMap::from([
            (RUN_LABEL.to_owned(), run_id.to_string()),
            (INSTANCE_LABEL.to_owned(), place.instance.clone()),
        ]);
        let env = environment(image);
        let mounts = mounts(image, &limits);
        let in_memory = mounts.iter().map(|mount| mount.path.clone()).chain(["/dev/shm".to_owned()]).collect();
        let (start, started) = (Duration::ZERO, Instant::now());
        let mut sandbox = Self { place, name: Some(name.clone()), env, limits, in_memory, start, started };
        let spec = ContainerSpec {
            name: &name,
            image: &image.facts.digest,
            platform: image.facts.platform,
            labels,
            mounts: &mounts,
            limits: &sandbox.limits,
            trial: None,
        };
        sandbox.place.engine.start_container(&spec).await?;
        sandbox.start = began.elapsed();
        sandbox.started = Instant::now();
        Ok(sandbox)
    }

    fn name(&self) -> &str {
        self.name.as_deref().expect("the name is taken only by what consumes the sandbox")
    }

    /// Adds to the environment of every command from now on.
    pub(crate) fn add_environment(&mut self, variables: &BTreeMap<String, String>) {
        for (name, value) in variables {
            self.env.retain(|known| known.split_once('=').is_none_or(|(known, _)| known != name));
            self.env.push(format!("{name}={value}"));
        }
    }

    /// Takes another container of the same image, in which nothing has happened, in the place of this one.
    pub(crate) async fn renew(&mut self, image: &Image, run_id: RunId) -> Result<()> {
        let (place, limits) = (self.place.clone(), self.limits.clone());
        if let Some(name) = self.name.take() {
            let _ = place.tasks.spawn(remove(place.clone(), name)).await;
        }
        let mut fresh = Self::start(&place, image, run_id, &limits).await?;
        fresh.env = std::mem::take(&mut self.env);
        *self = fresh;
        Ok(())
    }

    /// Unpacks a tar file below a directory.
    pub(crate) async fn copy_in(&self, archive: impl Read + Send + 'static, dir: &str) -> Result<()> {
        copy_in(&self.place.engine, self.name(), (archive, Times::AsPacked), dir).await
    }

    /// The same; its files count as changed now.
    pub(crate) async fn copy_in_as_new(&self, archive: impl Read + Send + 'static, dir: &str) -> Result<()> {
        copy_in(&self.place.engine, self.name(), (archive, Times::Now), dir).await
    }

    /// Starts a command that a person speaks with, in the environment of the run and with further variables.
    pub(crate) async fn terminal(
        &self,
        command: Vec<String>,
        variables: &[String],
        terminal: Option<Terminal>,
    ) -> Result<Exec> {
        let env = [self.env.as_slice(), variables].concat();
        self.place.engine.converse(self.name(), (command, env), terminal).await
    }

    /// Gives the terminal of a command another size.
    pub(crate) async fn resize(&self, exec: &str, terminal: Terminal) {
        self.place.engine.resize(exec, terminal).await;
    }

    /// Whether a command has ended, or is gone with the container.
    pub(crate) async fn has_ended(&self, exec: &str) -> bool {
        let running = self.state().await.ok().flatten().is_some_and(|state| state.running);
        !running || self.place.engine.exec_exit(exec).await.is_some()
    }

    /// Runs a command as a phase, at most that long. What it prints goes into the log, and to `heard` as it comes.
    pub(crate) async fn run(
        &self,
        command: &Command,
        wall: Duration,
        log: &mut Log,
        heard: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<Ended> {
        let patience = Patience { wall, silence: self.limits.silence };
        watch(&self.place.engine, self.name(), (command, &self.env), patience, Sink { log, heard }).await
    }

    /// Runs a script that prints a tar archive.
    pub(crate) async fn copy_out(&self, script: &str) -> Result<Collected> {
        let bounds = Bounds { total: self.limits.copy_out_bytes, each: self.limits.log_bytes };
        copy_out(&self.place.engine, self.name(), script, bounds).await
    }

    /// Runs a script and passes on what it prints; whether that is all, and the script did well.
    pub(crate) async fn stream_out(&self, script: &str, sink: stream::Sink<'_>) -> Result<bool> {
        stream::stream_out(&self.place.engine, self.name(), script, sink).await
    }

    /// How the container is; none where it is gone.
    pub(crate) async fn state(&self) -> Result<Option<ContainerState>> {
        self.place.engine.container_state(self.name()).await
    }

    /// Removes the container and waits for it; how long that took.
    pub async fn remove(mut self) -> Duration {
        let began = Instant::now();
        if let Some(name) = self.name.take() {
            // In a task of its own, so that a run that is dropped here still removes it.
            let _ = self.place.tasks.spawn(remove(self.place.clone(), name)).await;
        }
        began.elapsed()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(name) = self.name.take() {
            drop(self.place.tasks.spawn(remove(self.place.clone(), name)));
        }
    }
}

/// Removes a container, patiently: an engine that is restarting is back in seconds.
pub(super) async fn remove(place: Place, name: String) {
    for attempt in 1..=REMOVALS {
        match place.engine.remove_container(&name).await {
            Ok(()) => return,
            Err(error) if attempt == REMOVALS => {
                tracing::warn!(container = name, %error, "left a container behind until the engine answers again");
                place.left().push(name.clone());
            }
            Err(_) => tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await,
        }
    }
}

/// What every command finds in its environment beside what the image says (`PATH`, `LIBRARY_PATH`); nothing of the runner's own.
fn environment(image: &Image) -> Vec<String> {
    [
        format!("PG_CONFIG={}", image.pg_config),
        "HOME=/sandbox/home".into(),
        "LANG=C.UTF-8".into(),
        "PGUSER=postgres".into(),
        "PGDATABASE=postgres".into(),
        "USE_PGXS=1".into(),
    ]
    .to_vec()
}

/// The file systems in memory; what is writable below one of the fixed ones needs none of its own.
fn mounts(image: &Image, limits: &Limits) -> Vec<Mount> {
    let fixed = ["/sandbox", "/data", "/tmp", "/run"];
    let below =
        |path: &str| fixed.iter().any(|fixed| path.strip_prefix(fixed).is_some_and(|rest| rest.starts_with('/')));
    let further = image.writable.iter().map(String::as_str).filter(|path| !below(path));
    let mount = |path: &str| Mount { bytes: limits.file_system_bytes(path), path: path.to_owned() };
    fixed.into_iter().chain(further).map(mount).collect()
}
