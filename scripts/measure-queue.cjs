// What scripts/measure-queue measures of graphile-worker: tasks that do nothing, each taken and marked as done, with as many workers as there are runners.
const { Logger, makeWorkerUtils, run } = require("graphile-worker");
const { Client } = require("pg");

const numbers = (name) => process.env[name].split(",").map(Number);
const connectionString = process.env.DATABASE;
const seconds = Number(process.env.SECONDS_EACH);
const logger = new Logger(() => () => {});

async function lengthen(client, jobs) {
  const waiting = Number((await client.query("SELECT count(*) FROM graphile_worker.jobs")).rows[0].count);
  await client.query("SELECT graphile_worker.add_job('nothing', '{}') FROM generate_series(1, $1)", [jobs - waiting]);
  await client.query("ANALYZE");
}

async function measure(workers) {
  let done = 0;
  const start = process.hrtime.bigint();
  const runner = await run({
    connectionString, logger, concurrency: workers, maxPoolSize: workers + 2, noHandleSignals: true,
    taskList: { nothing: async () => { done += 1; } },
  });
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const took = Number(process.hrtime.bigint() - start) / 1e9;
  const rate = done / took;
  await runner.stop();
  return rate;
}

(async () => {
  const utils = await makeWorkerUtils({ connectionString, logger });
  await utils.migrate();
  await utils.release();
  const client = new Client({ connectionString });
  await client.connect();
  console.log("    jobs  workers    jobs/s");
  for (const jobs of numbers("JOBS")) {
    for (const workers of numbers("RUNNERS")) {
      await lengthen(client, jobs);
      const rate = await measure(workers);
      console.log(`${String(jobs).padStart(8)} ${String(workers).padStart(8)} ${rate.toFixed(0).padStart(9)}`);
    }
  }
  await client.end();
})();
