// Everything that a change must pass, step by step: what `npm run check` and `npm test` are made of, and the documentation's site.
// Goes on after a failure, and names at its end what failed.
//   npm run ok
//   npm run ok -- --quick     # without integration, package, simulation, end to end and chaos
import { spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const stepsOf = (script) => scripts[script].split(" && ");
const isQuick = process.argv.includes("--quick");
const steps = [...stepsOf("check"), ...stepsOf("test"), "npm run -s docs"].filter(
  (step) => !isQuick || !/\b(sim|test:(?!unit))/.test(step),
);
const folder = mkdtempSync(join(tmpdir(), "pintle-ok-"));
const secondsSince = (startedMs) => `${Math.round((performance.now() - startedMs) / 1000)} s`;

/** A name that one recognizes: `lint`, `test:unit`. */
const nameOf = (step) => /^npm run -s (\S+)/.exec(step)?.[1] ?? step.split(" ").slice(0, 2).join(" ");

/** Resolves with whether it passed. */
function run(step, log) {
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", step], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const file = createWriteStream(log);
    for (const stream of [child.stdout, child.stderr]) stream.pipe(file, { end: false });
    child.once("close", (code) => file.end(() => resolve(code === 0)));
  });
}

const startedMs = performance.now();
const failed = [];
for (const [at, step] of steps.entries()) {
  const name = nameOf(step);
  const stepMs = performance.now();
  process.stdout.write(`${String(at + 1).padStart(2)}/${steps.length} ${name} …`);
  const log = join(folder, `${name.replaceAll(/\W/g, "-")}.log`);
  const passed = await run(step, log);
  process.stdout.write(`${passed ? " ok" : ` FAILED, see ${log}`}, ${secondsSince(stepMs)}\n`);
  if (!passed) failed.push({ name, step, log });
  // Tests run what is built.
  if (!passed && name === "build") break;
}
for (const { step, log } of failed) {
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  console.log(`\n${step}\n${lines.slice(-40).join("\n")}`);
}
console.log(
  failed.length === 0
    ? `\nok: all ${steps.length} passed in ${secondsSince(startedMs)}`
    : `\nnot ok: ${failed.map(({ name }) => name).join(", ")} of ${steps.length} failed in ${secondsSince(startedMs)}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
