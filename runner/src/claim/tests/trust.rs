//! A coordinator that asks for what it may not ask for.

use std::net::TcpListener as Listening;

use super::*;

/// A server of this machine that nobody should meet.
struct Trap(Listening);

impl Trap {
    fn set() -> Self {
        let listening = Listening::bind("127.0.0.1:0").unwrap();
        listening.set_nonblocking(true).unwrap();
        Self(listening)
    }

    fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    fn is_untouched(&self) -> bool {
        matches!(self.0.accept(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }
}

/// A runner whose volunteer has named no registry, and whose images are never asked for.
async fn careful() -> Stage {
    let mut stage = stage("passes").await;
    stage.agent.registries = Registries::beside(stage.agent.coordinator.url());
    stage.agent.images = Arc::new(|target| panic!("an image for {target}"));
    stage
}

impl Stage {
    /// What is said to a job like the one that waits, but for a change of it.
    async fn refusal(&self, job: &Assignment, change: impl FnOnce(&mut Assignment)) -> String {
        let mut assignment = job.clone();
        change(&mut assignment);
        *self.desk.assignment.lock().unwrap() = Some(assignment);
        self.desk.released.store(false, Ordering::SeqCst);
        let trouble = self.agent.tick(WAIT, &CancellationToken::new()).await.unwrap_err();
        assert!(matches!(trouble, Trouble::Refused(_)), "{trouble}");
        assert!(self.desk.released.load(Ordering::SeqCst), "others may have it: {trouble}");
        assert!(self.desk.report.lock().unwrap().is_none(), "nothing is said of it: {trouble}");
        trouble.to_string()
    }

    fn job(&self) -> Assignment {
        self.desk.assignment.lock().unwrap().take().unwrap()
    }
}

#[tokio::test]
async fn a_registry_inside_is_refused_before_any_connection_which_needs_an_engine() {
    let (stage, trap) = (careful().await, Trap::set());
    let job = stage.job();
    let port = trap.port();
    for asked in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "https://10.0.0.1/".to_owned(),
        "file:///etc/".to_owned(),
        job.registry.to_string(),
    ] {
        let registry: Url = asked.parse().unwrap();
        let said = stage.refusal(&job, |job| job.registry = registry.clone()).await;
        assert!(said.contains(registry.as_str()) && said.contains("--registry"), "{said}");
        assert!(trap.is_untouched(), "{asked}");
    }
}

#[tokio::test]
async fn only_the_named_registry_is_asked_where_the_volunteer_names_one_which_needs_an_engine() {
    let trap = Trap::set();
    let mut stage = careful().await;
    let job = stage.job();
    stage.agent = stage.agent.with_registry(&job.registry).unwrap();
    for asked in [format!("http://127.0.0.1:{}/", trap.port()), "https://example.org/".to_owned()] {
        let said = stage.refusal(&job, |job| job.registry = asked.parse().unwrap()).await;
        assert!(said.contains(&asked) && said.contains("tests those of"), "{said}");
    }
    assert!(trap.is_untouched());
}

#[tokio::test]
async fn a_path_in_the_place_of_a_digest_and_a_target_that_was_not_offered_are_refused_which_needs_an_engine() {
    let stage = careful().await;
    let job = stage.job();
    for sha1 in ["../../../../etc/shadow", "", "A9993E364706816ABA3E25717850C26C9CD0D89D", "a\u{1b}[2Jb"] {
        let said = stage.refusal(&job, |job| job.release.sha1 = sha1.into()).await;
        assert!(said.contains("no SHA-1") && !said.contains('\u{1b}'), "{said}");
    }
    for target in ["pg13-amd64", "pg17-arm64"] {
        let said = stage.refusal(&job, |job| job.target = target.parse().unwrap()).await;
        assert!(said.contains(target) && said.contains("not offered"), "{said}");
    }
}

#[tokio::test]
async fn a_job_that_is_huge_in_every_way_costs_what_any_job_costs_which_needs_an_engine() {
    let stage = stage("passes").await;
    let job = stage.job();
    let mut huge = job.clone();
    huge.time_factor = u32::MAX;
    huge.lease.expires_in_ms = u64::MAX;
    *stage.desk.assignment.lock().unwrap() = Some(huge);
    assert_eq!(stage.tick(&CancellationToken::new()).await, Tick::Worked);
    let report = stage.desk.report.lock().unwrap().take().expect("a report");
    let limits = report.circumstances.limits.unwrap();
    assert_eq!(limits.run_ms, 2 * stage.agent.site.limit_facts().run_ms, "twice the time at most");

    let mut long = job;
    long.registry = format!("https://example.org/{}", "a".repeat(2 * 1024 * 1024)).parse().unwrap();
    *stage.desk.assignment.lock().unwrap() = Some(long);
    let trouble = stage.agent.tick(WAIT, &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Coordinator(CallError::Away { .. })), "it is not read to its end: {trouble}");
}
