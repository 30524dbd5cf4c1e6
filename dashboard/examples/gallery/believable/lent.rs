//! What volunteers do: a signed run, one whose result is withdrawn, and a runner that takes no work for now.

use ed25519_dalek::{Signer, SigningKey};
use protocol::{Absence, Away, RunId, RunnerId, Seal, Statement, Subject, Timestamp};
use store::confirm::{Retries, quarantine};
use store::jobs::{self, Answer, Claim};
use store::results::{Acceptance, Handed};
use store::runners::{self, NewRunner};
use store::runs::LeaseKey;
use store::{Blobs, Store, TokenHash, results, signatures, withdrawal};

use super::fate::{Fate, passes, tests_fail};
use super::{Builder, DAY, LEASE, MINUTE, before};

/// The signed run and the withdrawn one.
pub(crate) async fn lent(store: &Store, blobs: &Blobs) -> [RunId; 2] {
    let (store, blobs) = (store.clone(), blobs.clone());
    let mut builder = Builder { store, blobs, ids: 7_000, seconds: 7_000, clock: before(12 * MINUTE) };
    let helios = builder.key(1).await;
    let signed = builder.signed_run(1, &helios, ("ip4r", "pg17-amd64"), passes(2)).await;
    let mill = builder.join(4, "mill").await;
    let withdrawn = builder.signed_run(4, &mill, ("semver", "pg16-amd64"), tests_fail()).await;
    let mut tx = builder.store.begin().await.unwrap();
    let reason = "It was the odd one out in 3 of 4 distributions";
    assert!(quarantine(&mut tx, id(4), reason, before(9 * MINUTE)).await.unwrap());
    withdrawal::want(&mut tx, id(4), Timestamp::from_millis(0)).await.unwrap();
    withdrawal::step(&mut tx, before(9 * MINUTE), 25).await.unwrap();
    let until = Timestamp::parse_rfc3339("2026-11-21T06:00:00Z");
    runners::touch(&mut tx, id(3), "0.1.0", &["pg17-amd64".parse().unwrap()], before(20)).await.unwrap();
    runners::set_absence(&mut tx, id(3), Some(Absence { why: Away::Hours, until })).await.unwrap();
    tx.commit().await.unwrap();
    [signed, withdrawn]
}

fn id(number: u64) -> RunnerId {
    format!("01KAH{number:021}").parse().unwrap()
}

impl Builder {
    async fn join(&mut self, number: u64, name: &str) -> SigningKey {
        let token = TokenHash::of(name);
        let mut tx = self.store.begin().await.unwrap();
        runners::add(&mut tx, &NewRunner { id: id(number), name, token: &token }, before(9 * DAY)).await.unwrap();
        tx.commit().await.unwrap();
        self.key(number).await
    }

    async fn key(&mut self, number: u64) -> SigningKey {
        let secret = SigningKey::from_bytes(&[u8::try_from(number).unwrap(); 32]);
        let mut tx = self.store.begin().await.unwrap();
        signatures::register(&mut tx, id(number), (&secret.verifying_key().into(), None), before(9 * DAY))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        secret
    }

    /// Runs a test again, on a certain runner, which signs what it found.
    async fn signed_run(&mut self, number: u64, secret: &SigningKey, (dist, on): (&str, &str), fate: Fate) -> RunId {
        let release = self.latest(dist).await;
        self.again(&release, on).await;
        let (run_id, at) = (self.second_id(), self.clock);
        let (runner_id, token, target) = (id(number), TokenHash::of(&run_id.to_string()), on.parse().unwrap());
        let mut report = self.report(run_id, on, fate, at).await;
        report.archive.as_mut().unwrap().sha1.clone_from(&release.1.sha1);
        let statement = Statement::of(&report, &Subject::of(&release.1, target));
        let signature = secret.sign(statement.as_str().as_bytes()).into();
        let mut tx = self.store.begin().await.unwrap();
        let claim = Claim { runner_id, targets: &[target], run_id, token: &token, chosen: false, lease: LEASE };
        let answers = jobs::claim(&mut tx, &[claim], at).await.unwrap();
        assert!(matches!(answers[..], [Answer::Job(_)]), "a job waits");
        let key = LeaseKey { run_id, runner_id, token: &token };
        let seal = Seal { key: secret.verifying_key().into(), signature };
        let handed = Handed { key, report: &report, seal: Some(&seal) };
        let accepted = results::accept(&mut tx, &[handed], Retries::default(), report.finished_at).await.unwrap();
        assert_eq!(accepted[0].acceptance, Acceptance::Accepted);
        tx.commit().await.unwrap();
        run_id
    }
}
