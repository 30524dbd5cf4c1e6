use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use ed25519_dalek::{Signer, SigningKey};
use protocol::{
    ArchiveFacts, FileKind, FileRecord, ImageFacts, Outcome, Overhead, Phase, PhaseRecord, Reason, Report, RunId,
    RunnerFacts, Seal, SourceKind, Statement, Subject, Target, Timestamp, Verdict,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::testing::{Answer, Call, Farm, MINUTE, on_both, secret_of};
use crate::{Event, Tick, expire};

mod compare;
mod confirm;
mod export;
mod faults;
mod hostile;
mod images;
mod join;
mod leases;
mod operator;
mod presence;
mod progress;
mod reads;
mod signed;
mod upload;
mod waiting;

fn document() -> String {
    super::Description::of(super::described().into_openapi(), utoipa::openapi::OpenApi::default()).0.to_string()
}

/// A claimed job, as its runner knows it.
struct Claimed {
    runner: String,
    run_id: String,
    lease: String,
    json: Value,
}

async fn claim(farm: &Farm, runner: &str) -> Option<Claimed> {
    claim_of(farm, runner, &["pg15-amd64", "pg16-amd64", "pg17-amd64", "pg18-amd64"]).await
}

async fn claim_of(farm: &Farm, runner: &str, targets: &[&str]) -> Option<Claimed> {
    has_key(farm, runner).await;
    let body = json!({"targets": targets, "version": "0.1.0"});
    let answer = farm.call(Call::post("/api/v1/claim", &body).bearer(runner)).await;
    if answer.status == 204 {
        return None;
    }
    let json = answer.json();
    let text = |pointer: &str| json.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    Some(Claimed { runner: runner.into(), run_id: text("/lease/run_id"), lease: text("/lease/token"), json })
}

fn seal_by(secret: &SigningKey, statement: &Statement) -> String {
    let signature = secret.sign(statement.as_str().as_bytes()).into();
    Seal { key: secret.verifying_key().into(), signature }.to_string()
}

/// Registers the key of a runner, as its program does at each start; nothing where it has no right to.
async fn has_key(farm: &Farm, token: &str) {
    let key = protocol::PublicKey::from(secret_of(token).verifying_key());
    let call = Call::new(Method::PUT, "/api/v1/runners/self/key").header("content-type", "application/json");
    farm.call(call.bearer(token).body(json!({"key": key}).to_string())).await;
}

impl Claimed {
    fn call(&self, method: Method, act: &str) -> Call {
        let path = format!("/api/v1/runs/{}/{act}", self.run_id);
        Call::new(method, &path).bearer(&self.runner).header("x-lease-token", &self.lease)
    }

    async fn post(&self, farm: &Farm, act: &str, body: &impl serde::Serialize) -> Answer {
        let call = self.call(Method::POST, act).header("content-type", "application/json");
        farm.call(call.body(serde_json::to_vec(body).unwrap())).await
    }

    async fn renew(&self, farm: &Farm) -> Answer {
        self.post(farm, "renew", &json!({"phase": "build"})).await
    }

    async fn upload(&self, farm: &Farm, name: &str, plain: &[u8]) -> Answer {
        let zstd = zstd::encode_all(plain, 3).unwrap();
        farm.call(self.call(Method::PUT, &format!("files/{name}")).body(zstd)).await
    }

    /// Whether a file that it uploaded is still there.
    async fn has_file(&self, farm: &Farm, name: &str) -> bool {
        farm.coordinator.blobs.exists(self.run_id.parse().unwrap(), name).await.unwrap()
    }

    async fn report(&self, farm: &Farm, report: &Report) -> Answer {
        self.report_as(farm, report, &self.sealed(report)).await
    }

    async fn report_as(&self, farm: &Farm, report: &Report, seal: &str) -> Answer {
        let call = self.call(Method::POST, "report").header("content-type", "application/json");
        let call = if seal.is_empty() { call } else { call.header("x-report-signature", seal) };
        farm.call(call.body(serde_json::to_vec(report).unwrap())).await
    }

    /// The signature of its runner.
    fn sealed(&self, report: &Report) -> String {
        seal_by(&secret_of(&self.runner), &Statement::of(report, &self.subject()))
    }

    fn subject(&self) -> Subject {
        let release = serde_json::from_value(self.json["release"].clone()).unwrap();
        Subject::of(&release, self.json["target"].as_str().unwrap().parse().unwrap())
    }

    fn passed(&self) -> Report {
        let at = Timestamp::from_millis(crate::testing::START);
        let runner = RunnerFacts {
            version: "0.1.0".into(),
            kernel: "Linux 6.12".into(),
            engine: "Docker 20.10".into(),
            cpus: 2.0,
            memory_bytes: 1 << 31,
        };
        Report {
            run_id: self.run_id.parse().unwrap(),
            verdict: Verdict::new(Phase::Installcheck, Reason::TestsPassed),
            phases: Vec::new(),
            tests: Vec::new(),
            files: Vec::new(),
            archive: Some(self.archive()),
            image: Some(self.image()),
            runner,
            notes: Vec::new(),
            circumstances: protocol::Circumstances::default(),
            overhead: Overhead::default(),
            started_at: at,
            finished_at: at.plus(MINUTE),
        }
    }

    fn archive(&self) -> ArchiveFacts {
        let sha1 = self.json["release"]["sha1"].as_str().unwrap();
        ArchiveFacts { sha1: sha1.into(), sha256: "c".repeat(64), bytes: 1 }
    }

    fn image(&self) -> ImageFacts {
        let target: Target = self.json["target"].as_str().unwrap().parse().unwrap();
        ImageFacts {
            tag: "t".into(),
            digest: "sha256:1".into(),
            recipe: "r".into(),
            source: SourceKind::Debian,
            suite: "trixie".into(),
            postgresql: format!("{}.4", target.major),
            postgresql_full: format!("PostgreSQL {}.4", target.major),
            platform: target.platform,
            emulated: false,
        }
    }

    /// The same with a build log.
    fn with_log(&self, log: &[u8]) -> Report {
        let file = FileRecord {
            name: "build.log".into(),
            kind: FileKind::Log,
            sha256: hex::encode(Sha256::digest(log)),
            bytes: log.len() as u64,
            omitted_bytes: 0,
        };
        let phase = PhaseRecord {
            phase: Phase::Build,
            outcome: Outcome::Passed,
            reason: None,
            exit: Some(0),
            signal: None,
            duration_ms: 10,
            cpu_ms: None,
            peak_memory_bytes: None,
            command: "make all".into(),
            log: Some("build.log".into()),
        };
        Report { phases: vec![phase], files: vec![file], ..self.passed() }
    }
}

/// A farm with one release that waits on four targets, and a runner.
async fn with_release(farm: &Farm) -> String {
    farm.registry.publish("pair", "1.0.0");
    farm.watch().await;
    farm.runner("box").await
}

async fn expire(farm: &Farm) -> Tick {
    expire::tick(&farm.coordinator, farm.now()).await.unwrap()
}

#[test]
fn the_document_describes_every_route() {
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string() || operation["description"].is_string(), "{method} {path}");
            routes.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    routes.sort();
    assert_eq!(
        routes,
        [
            "DELETE /api/v1/invitations/{id}",
            "DELETE /api/v1/join-requests/{id}",
            "DELETE /api/v1/runners/self",
            "DELETE /api/v1/runners/{name}",
            "DELETE /api/v1/runners/{name}/quarantine",
            "DELETE /api/v1/upload-tokens/{id}",
            "GET /api/v1/broken",
            "GET /api/v1/dists",
            "GET /api/v1/dists/{dist}",
            "GET /api/v1/dists/{dist}/{version}/compare",
            "GET /api/v1/export/releases.ndjson.zst",
            "GET /api/v1/export/results.ndjson.zst",
            "GET /api/v1/invitations",
            "GET /api/v1/join-requests",
            "GET /api/v1/openapi.json",
            "GET /api/v1/queue",
            "GET /api/v1/reconcile",
            "GET /api/v1/results",
            "GET /api/v1/runners",
            "GET /api/v1/runners/join/{id}",
            "GET /api/v1/runners/self",
            "GET /api/v1/runs/{run_id}",
            "GET /api/v1/runs/{run_id}/files/{name}",
            "GET /api/v1/status",
            "GET /api/v1/symptoms",
            "GET /api/v1/symptoms/{signature}",
            "GET /api/v1/upload-tokens",
            "POST /api/v1/claim",
            "POST /api/v1/images/renew",
            "POST /api/v1/invitations",
            "POST /api/v1/pre-releases",
            "POST /api/v1/reconcile",
            "POST /api/v1/requeue",
            "POST /api/v1/runners",
            "POST /api/v1/runners/join",
            "POST /api/v1/runners/rotate",
            "POST /api/v1/runs/{run_id}/progress",
            "POST /api/v1/runs/{run_id}/release",
            "POST /api/v1/runs/{run_id}/renew",
            "POST /api/v1/runs/{run_id}/report",
            "POST /api/v1/upload-tokens",
            "PUT /api/v1/join-requests/{id}",
            "PUT /api/v1/runners/self/key",
            "PUT /api/v1/runners/{name}/quarantine",
            "PUT /api/v1/runs/{run_id}/files/{name}",
        ]
    );
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document: Value = serde_json::from_str(&document()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    for kind in ["runner", "operator", "uploader"] {
        assert_eq!(document["components"]["securitySchemes"][kind]["scheme"], "bearer");
    }
}

#[tokio::test]
async fn every_described_route_is_served() {
    let farm = Farm::start().await;
    let document = farm.call(Call::get("/api/v1/openapi.json")).await.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let address = path
            .replace("{run_id}", &RunId::new(farm.now()).to_string())
            .replace("{name}", "x")
            .replace("{dist}", "x")
            .replace("{version}", "1")
            .replace("{signature}", "0123456789abcdef");
        for method in methods.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = farm.call(Call::new(method.clone(), &address)).await;
            let text = String::from_utf8_lossy(&answer.bytes).into_owned();
            assert!(answer.status != 405 && answer.status.as_u16() < 500, "{method} {path}: {text}");
            assert!(!text.contains("there is nothing at"), "{method} {path}: {text}");
        }
    }
}
