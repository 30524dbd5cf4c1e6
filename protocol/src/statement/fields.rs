//! The fields of a statement, in their order. What is in here never changes: another order, or one field more, is another version.

use std::collections::BTreeSet;

use super::{Subject, Writer};
use crate::circumstances::{Circumstances, Crash, LimitFacts, Origin, Prerequisite};
use crate::facts::{ArchiveFacts, ImageFacts};
use crate::grade::Flag;
use crate::record::{FileRecord, PhaseRecord, TestRecord};
use crate::report::{Report, Verdict};

pub(super) fn write(to: &mut Writer, report: &Report, subject: &Subject) {
    to.number("run", report.run_id);
    to.text("dist", subject.dist.as_str());
    to.text("version", subject.version.as_str());
    to.text("sha1", &subject.sha1);
    to.number("target", subject.target);
    to.optional("archive", report.archive.as_ref(), |to, _, it| archive(to, it));
    to.optional("image", report.image.as_ref(), |to, _, it| image(to, it));
    to.text("runner.version", &report.runner.version);
    to.text("runner.kernel", &report.runner.kernel);
    to.text("runner.engine", &report.runner.engine);
    to.number("started_at", report.started_at.as_millis());
    to.number("finished_at", report.finished_at.as_millis());
    verdict(to, &report.verdict);
    to.list("phases", &report.phases, phase);
    to.list("tests", &report.tests, test);
    to.list("files", &report.files, file);
    to.texts(("notes", "note"), &report.notes);
    circumstances(to, &report.circumstances);
}

fn archive(to: &mut Writer, it: &ArchiveFacts) {
    to.text("archive.sha1", &it.sha1);
    to.text("archive.sha256", &it.sha256);
    to.size("archive.bytes", it.bytes);
}

fn image(to: &mut Writer, it: &ImageFacts) {
    to.text("image.tag", &it.tag);
    to.text("image.digest", &it.digest);
    to.text("image.recipe", &it.recipe);
    to.word("image.source", it.source.as_str());
    to.text("image.suite", &it.suite);
    to.text("image.postgresql", &it.postgresql);
    to.text("image.postgresql_full", &it.postgresql_full);
    to.word("image.platform", it.platform.as_str());
    to.word("image.emulated", if it.emulated { "yes" } else { "no" });
}

fn verdict(to: &mut Writer, it: &Verdict) {
    to.word("verdict.phase", it.phase.as_str());
    to.word("verdict.reason", it.reason.as_str());
    let flags = it.flags.iter().filter(|flag| **flag != Flag::Unconfirmed);
    let flags: BTreeSet<&str> = flags.map(|flag| flag.as_str()).collect();
    to.word("verdict.flags", flags.into_iter().collect::<Vec<_>>().join(" "));
    to.text("verdict.detail", &it.detail);
    to.optional("verdict.line", it.decisive.as_ref(), |to, _, line| {
        to.text("verdict.line.file", &line.file);
        to.size("verdict.line.number", line.line);
        to.text("verdict.line.text", &line.text);
    });
}

fn phase(to: &mut Writer, it: &PhaseRecord) {
    to.word("phase", it.phase.as_str());
    to.word("phase.outcome", it.outcome.as_str());
    to.optional("phase.reason", it.reason, |to, name, reason| to.word(name, reason.as_str()));
    to.optional("phase.exit", it.exit, Writer::number);
    to.optional("phase.signal", it.signal, Writer::number);
    to.size("phase.duration_ms", it.duration_ms);
    to.optional("phase.cpu_ms", it.cpu_ms, Writer::size);
    to.optional("phase.peak_memory_bytes", it.peak_memory_bytes, Writer::size);
    to.text("phase.command", &it.command);
    to.optional("phase.log", it.log.as_deref(), Writer::text);
}

fn test(to: &mut Writer, it: &TestRecord) {
    to.text("test", &it.name);
    to.word("test.suite", it.suite.as_str());
    to.word("test.outcome", it.outcome.as_str());
    to.optional("test.duration_ms", it.duration_ms, Writer::size);
}

fn file(to: &mut Writer, it: &FileRecord) {
    to.text("file", &it.name);
    to.word("file.kind", it.kind.as_str());
    to.text("file.sha256", &it.sha256);
    to.size("file.bytes", it.bytes);
    to.size("file.omitted_bytes", it.omitted_bytes);
}

fn circumstances(to: &mut Writer, it: &Circumstances) {
    to.list("warnings", &it.warnings, |to, warning| {
        to.word("warning.phase", warning.phase.as_str());
        to.text("warning", &warning.text);
    });
    to.list("crashes", &it.crashes, crash);
    to.list("prerequisites", &it.prerequisites, prerequisite);
    to.texts(("preload", "library"), &it.provided.preload);
    let settings: Vec<_> = it.provided.settings.iter().collect();
    to.list("settings", &settings, |to, (name, value)| {
        to.text("setting", name);
        to.text("setting.value", value);
    });
    to.texts(("packages", "package"), &it.provided.packages);
    to.texts(("reasons", "reason"), &it.provided.why);
    to.optional("limits", it.limits.as_ref(), |to, _, it| limits(to, it));
}

fn crash(to: &mut Writer, it: &Crash) {
    to.word("crash.phase", it.phase.as_str());
    to.text("crash.process", &it.process);
    to.number("crash.signal", it.signal);
    to.text("crash.query", &it.query);
    to.texts(("crash.frames", "frame"), &it.frames);
    to.optional("crash.file", it.file.as_deref(), Writer::text);
}

fn prerequisite(to: &mut Writer, it: &Prerequisite) {
    to.text("prerequisite", &it.wanted);
    to.text("prerequisite.range", &it.range);
    to.optional("prerequisite.dist", it.dist.as_ref(), |to, name, dist| to.text(name, dist.as_str()));
    to.optional("prerequisite.version", it.version.as_ref(), |to, name, version| to.text(name, version.as_str()));
    to.optional("prerequisite.sha1", it.sha1.as_deref(), Writer::text);
    let origin = match it.origin {
        Origin::Server => "server",
        Origin::Built => "built",
        Origin::Cached => "cached",
        Origin::Missing => "missing",
    };
    to.word("prerequisite.origin", origin);
}

fn limits(to: &mut Writer, it: &LimitFacts) {
    to.size("limits.memory_bytes", it.memory_bytes);
    to.number("limits.cpus", it.cpus);
    to.number("limits.processes", it.processes);
    to.size("limits.phase_ms", it.phase_ms);
    to.size("limits.run_ms", it.run_ms);
    to.size("limits.silence_ms", it.silence_ms);
    to.size("limits.log_bytes", it.log_bytes);
}
