//! What maintainers' own CI sent in, one of them with hostile words.

use std::time::Duration;

use protocol::{
    Decisive, Excerpt, Flag, Phase, PreRelease, PreReleaseResult, Reason, Target, Timestamp, UploadTokenId, Verdict,
};
use store::upload_tokens::{self, Scope};
use store::{Store, TokenHash, pre_releases};

use super::{DAY, MINUTE, before};

const DIFF: &str = "@@ -1,6 +1,6 @@\n SELECT throws_ok('SELECT 1 / 0');\n-ok 1 - threw 22012\n+not ok 1 - threw 22012";
const HOSTILE: &str = "<script>alert(8)</script> \u{202e}desrever <img src=x onerror=alert(9)>";

/// Two trees of pgTAP.
pub(crate) async fn pre_released(store: &Store) {
    let mut tx = store.begin().await.unwrap();
    let (token, lasts) = (UploadTokenId::new(before(DAY)), Duration::from_hours(24));
    let scope = Scope::User("theory".parse().unwrap());
    upload_tokens::grant(&mut tx, token, (&scope, &TokenHash::of("token"), lasts), before(DAY)).await.unwrap();
    let trees: [(u64, u64, PreRelease); 2] = [(1, 3 * MINUTE, candidate()), (2, 2 * DAY, hostile())];
    for (number, age, tree) in trees {
        tree.check().unwrap();
        let (id, at): (_, Timestamp) = (format!("01KAP{number:021}").parse().unwrap(), before(age));
        pre_releases::put(&mut tx, id, (token, &tree), at).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn tree(commit: &str, git_ref: &str, results: Vec<PreReleaseResult>) -> PreRelease {
    PreRelease {
        dist: "pgTAP".parse().unwrap(),
        version: "1.3.5".parse().unwrap(),
        commit: Some(commit.into()),
        git_ref: Some(git_ref.into()),
        source_sha256: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8".into(),
        results,
    }
}

fn found(on: &str, verdict: Verdict, shown: Option<(&str, &str)>) -> PreReleaseResult {
    let target: Target = on.parse().unwrap();
    let excerpt =
        shown.map(|(file, text)| Excerpt { file: file.into(), lines: text.lines().map(str::to_owned).collect() });
    PreReleaseResult { target, verdict, postgresql: format!("{}.1", target.major), excerpt }
}

fn line(file: &str, text: &str) -> Decisive {
    Decisive { file: file.into(), line: 12, text: text.into() }
}

fn candidate() -> PreRelease {
    let passed = || Verdict::new(Phase::Installcheck, Reason::TestsPassed);
    let failed = Verdict {
        decisive: Some(line("regression.diffs", "+not ok 1 - threw 22012")),
        ..Verdict::new(Phase::Installcheck, Reason::TestsFailed).with_detail("1 of 40 tests failed: throwtap.")
    };
    let lacks = Verdict {
        decisive: Some(line("build.log", "src/x.c:1:10: fatal error: gmp.h: No such file or directory")),
        ..Verdict::new(Phase::Build, Reason::MissingHeader).with_detail("gmp.h")
    };
    let results = vec![
        found("pg18-amd64", passed(), None),
        found("pg18-arm64", passed(), None),
        found("pg17-amd64", failed, Some(("regression.diffs", DIFF))),
        found("pg16-amd64", lacks, None),
    ];
    tree("9fceb02d0ae598e95dc970b74767f19372d61af8", "refs/heads/release-1.3.5", results)
}

fn hostile() -> PreRelease {
    let crashed = Verdict {
        flags: vec![Flag::Crash],
        decisive: Some(line("installcheck.log", HOSTILE)),
        ..Verdict::new(Phase::Build, Reason::CompileError).with_detail(HOSTILE)
    };
    let results = vec![found("pg18-amd64", crashed, Some(("build.log", HOSTILE)))];
    tree("0000000", "refs/heads/<b>x'\"", results)
}
