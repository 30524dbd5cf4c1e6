use protocol::{Flag, Reason, Report};

use crate::confirm::Retries;
use crate::results::accept::{Handed, Rules, accept_by};
use crate::runs::{self, LeaseKey};
use crate::testing::{at, claim, dump, insert, judge, key, on_both, plan, release, report, runner, token};
use crate::{Store, Tx};

const PG17: &str = "pg17-amd64";

/// Reports of the second releases of some distributions: for every reason that a runner can give, after a pass and after a failure of the first one.
async fn reports(store: &Store) -> (Vec<LeaseKey<'static>>, Vec<Report>) {
    static TOKEN: std::sync::LazyLock<crate::TokenHash> = std::sync::LazyLock::new(token);
    let ada = runner(store, "ada").await;
    let reasons: Vec<Reason> = Reason::ALL.iter().copied().filter(|reason| *reason != Reason::RunnerLost).collect();
    let before = [Reason::TestsPassed, Reason::MissingHeader, Reason::TestsFailed];
    for number in 0..reasons.len() {
        let dist = format!("dist{number}");
        for version in ["1.0.0", "1.1.0", "2.0.0-b1"] {
            let id = insert(store, &release(&dist, version)).await.id();
            plan(store, id, PG17, &dist, at(0)).await;
            if version == "1.0.0" {
                judge(store, ada, PG17, before[number % 3], 1).await;
            }
        }
    }
    let mut all = Vec::new();
    while let Some(claimed) = claim(store, ada, &[PG17], at(2)).await {
        all.push(claimed);
    }
    // Together, they are compared as if the lower versions came first.
    all.sort_by(|one, other| one.release.version.cmp(&other.release.version));
    let (mut keys, mut reports) = (Vec::new(), Vec::new());
    for claimed in all {
        let mut told = report(&claimed, reasons[reports.len() % reasons.len()]);
        match reports.len() % 5 {
            0 => told.verdict.flags.push(Flag::Flaky),
            1 => told.verdict.flags.push(Flag::Unconfirmed),
            2 => told.circumstances.emulated = true,
            _ => told.verdict.detail = "a\0b".into(),
        }
        keys.push(LeaseKey { token: &TOKEN, ..key(&claimed, ada, &TOKEN) });
        reports.push(told);
    }
    (keys, reports)
}

async fn told(tx: &mut Tx, reports: &[Report]) -> Vec<Option<runs::Told>> {
    let mut all = Vec::new();
    for report in reports {
        all.push(runs::told(tx, report.run_id).await.unwrap());
    }
    all
}

#[tokio::test]
async fn reports_together_leave_what_each_alone_and_the_long_way_leaves() {
    on_both(async |store| {
        let (keys, reports) = reports(&store).await;
        assert!(reports.len() > 50, "{}", reports.len());
        let handed: Vec<Handed<'_>> =
            keys.iter().zip(&reports).map(|(key, report)| Handed { key: *key, report, seal: None }).collect();
        let retries = Retries::default();

        let mut tx = store.begin().await.unwrap();
        let together = accept_by(&mut tx, &handed, Rules { retries, short: true }, at(3)).await.unwrap();
        let told: Vec<_> = told(&mut tx, &reports).await;
        assert_eq!(together.iter().map(|answer| answer.told.clone()).collect::<Vec<_>>(), told);
        let short = dump(&mut tx).await;
        drop(tx);

        let mut tx = store.begin().await.unwrap();
        let mut alone = Vec::new();
        for one in &handed {
            let rules = Rules { retries, short: false };
            alone.extend(accept_by(&mut tx, std::slice::from_ref(one), rules, at(3)).await.unwrap());
        }
        assert_eq!(together, alone);
        let long = dump(&mut tx).await;
        for (short, long) in short.iter().zip(&long) {
            assert_eq!(short, long);
        }
        assert_eq!(short.len(), long.len());
    })
    .await;
}
