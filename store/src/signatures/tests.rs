use protocol::{KeyProof, Reason, Statement};

use super::*;
use crate::results::Acceptance;
use crate::runs;
use crate::testing::{at, claim, key, on_both, pair, report, runner, token};
use crate::{Store, confirm::Retries};

/// The keys and signatures of RFC 8032, section 7.1, as only runners and tests can sign.
const KEYS: [&str; 3] = [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
];
const PROOF: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

fn public(number: usize) -> PublicKey {
    KEYS[number].parse().unwrap()
}

async fn registered(store: &Store, id: RunnerId, number: usize, minute: i64) -> Registered {
    let mut tx = store.begin().await.unwrap();
    let done = register(&mut tx, id, (&public(number), None), at(minute)).await.unwrap();
    tx.commit().await.unwrap();
    done
}

#[tokio::test]
async fn the_first_key_of_a_runner_is_its_key_and_no_other_takes_its_place_by_itself() {
    on_both(async |store| {
        let (ada, bob) = (runner(&store, "ada").await, runner(&store, "bob").await);
        assert_eq!(registered(&store, ada, 0, 1).await, Registered::New);
        assert_eq!(registered(&store, ada, 0, 2).await, Registered::Known);
        let first = RunnerKey { key: public(0), from: at(1), until: None };
        assert_eq!(registered(&store, ada, 1, 3).await, Registered::Other(first));
        let mut tx = store.begin().await.unwrap();
        let forged = register(&mut tx, ada, (&public(1), Some(&PROOF.parse().unwrap())), at(3)).await.unwrap();
        assert_eq!(forged, Registered::Other(first), "somebody else's signature proves nothing");
        tx.commit().await.unwrap();
        // A machine that has left and joined again has the key that it had.
        assert_eq!(registered(&store, bob, 0, 4).await, Registered::New);
        let mut conn = store.read().await.unwrap();
        assert_eq!(keys(&mut conn, ada).await.unwrap(), [first]);
        assert_eq!(current(&mut conn).await.unwrap(), BTreeMap::from([(ada, public(0)), (bob, public(0))]));
    })
    .await;
}

#[tokio::test]
async fn a_key_signs_for_an_hour_after_the_next_one_came() {
    let key = |until| RunnerKey { key: public(0), from: at(0), until };
    assert!(key(None).signs(at(1_000)));
    assert!(key(Some(at(10))).signs(at(69)) && !key(Some(at(10))).signs(at(70)));
}

#[tokio::test]
async fn what_was_signed_is_made_again_from_what_is_stored_whatever_others_made_of_it() {
    on_both(async |store| {
        let (release_id, _) = pair(&store).await;
        let ada = runner(&store, "ada").await;
        let lease = claim(&store, ada, &["pg17-amd64"], at(1)).await.unwrap();
        let mut report = report(&lease, Reason::TestsFailed);
        report.verdict.detail = "a\u{0}b\nrun 1:x\n".into();
        report.phases[1].command = "make \u{0} \"ünï\"".into();
        report.notes = vec!["\u{0}".into(), String::new()];
        report.tests[0].duration_ms = Some(u64::MAX);
        report.verdict.flags.extend([protocol::Flag::Unconfirmed, protocol::Flag::Warnings]);
        report.circumstances.limits = None;
        let token = token();
        let key = key(&lease, ada, &token);
        let (asked, _) = claimed(&mut store.read().await.unwrap(), &[key]).await.unwrap().pop().unwrap().unwrap();
        assert_eq!(asked, Subject::of(&lease.release, lease.target));
        let signed_as = Statement::of(&report, &asked);

        let seal = Seal { key: public(1), signature: PROOF.parse::<KeyProof>().unwrap() };
        let mut tx = store.begin().await.unwrap();
        let accepted = crate::testing::accept_one(&mut tx, &key, &report, Retries::default(), at(2)).await;
        assert_eq!(accepted.unwrap(), Acceptance::Accepted);
        keep(&mut tx, &[(lease.run_id, &seal)]).await.unwrap();
        tx.commit().await.unwrap();

        let mut conn = store.read().await.unwrap();
        let detail = runs::detail(&mut conn, lease.run_id).await.unwrap().unwrap();
        let flags = &detail.result.as_ref().unwrap().verdict.flags;
        assert!(flags.contains(&protocol::Flag::Unconfirmed), "{flags:?}");
        let signed = signed(&mut conn, &detail).await.unwrap().unwrap();
        assert_eq!(signed, SignedReport { statement: signed_as, key: seal.key, signature: seal.signature });
        assert!(crate::matrix::of_release(&mut conn, release_id).await.unwrap()[0].result.is_some());
    })
    .await;
}

#[tokio::test]
async fn what_nobody_signed_has_no_signed_report() {
    on_both(async |store| {
        pair(&store).await;
        let ada = runner(&store, "ada").await;
        let run = crate::testing::one_result(&store, ada, Reason::TestsPassed, 1).await;
        let mut conn = store.read().await.unwrap();
        let detail = runs::detail(&mut conn, run).await.unwrap().unwrap();
        assert_eq!(signed(&mut conn, &detail).await.unwrap(), None);
        let token = token();
        let key = LeaseKey { run_id: run, runner_id: ada, token: &token };
        let other = LeaseKey { run_id: RunId::new(at(0)), ..key };
        assert_eq!(claimed(&mut conn, &[key, other]).await.unwrap(), [Err(Lost::Reported), Err(Lost::Unknown)]);
    })
    .await;
}
