// Runs a suite again and again while every core is kept busy by other work, as on a shared or slow machine: what depends
// on a quiet one fails here first.
//   npm run test:busy -- [--rounds 10] [--suite test] [--load CORES] [--minutes 240] [-- ARGUMENTS OF THE SUITE]
// Every round's output goes to .pintle/busy/round-N.log. Exits 1 if a round failed.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: {
    rounds: { type: "string", default: "10" },
    suite: { type: "string", default: "test" },
    load: { type: "string", default: String(availableParallelism()) },
    minutes: { type: "string", default: "240" },
  },
  allowPositionals: true,
});
const wholeNumber = (name) => {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 0) {
    console.error(`--${name}: "${values[name]}" is not a whole number`);
    process.exit(2);
  }
  return value;
};
const [rounds, load, minutes] = ["rounds", "load", "minutes"].map(wholeNumber);
const deadlineMs = Date.now() + minutes * 60_000;

// A busy loop ends by itself when its parent is gone: its standard input then closes.
const spin =
  "process.stdin.on('end', () => process.exit()).resume(); (function turn() { const until = Date.now() + 50; while (Date.now() < until); setImmediate(turn); })()";
const busy = Array.from({ length: load }, () =>
  spawn(process.execPath, ["-e", spin], { stdio: ["pipe", "ignore", "inherit"] }),
);

const folder = ".pintle/busy";
mkdirSync(folder, { recursive: true });

function round(number) {
  return new Promise((resolve) => {
    const file = `${folder}/round-${number}.log`;
    const log = createWriteStream(file);
    const startMs = Date.now();
    const suite = spawn(
      "npm",
      ["run", "-s", values.suite, ...(positionals.length > 0 ? ["--", ...positionals] : [])],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    suite.stdout.pipe(log, { end: false });
    suite.stderr.pipe(log, { end: false });
    const expiry = setTimeout(() => suite.kill("SIGTERM"), Math.max(0, deadlineMs - Date.now()));
    suite.once("close", (code, signal) => {
      clearTimeout(expiry);
      log.end();
      resolve({
        number,
        passed: code === 0,
        how: signal ?? `status ${code}`,
        seconds: Math.round((Date.now() - startMs) / 1000),
        file,
      });
    });
  });
}

const results = [];
for (let number = 1; number <= rounds && Date.now() < deadlineMs; number++) {
  const result = await round(number);
  results.push(result);
  console.log(
    `round ${number}: ${result.passed ? "passed" : `FAILED (${result.how}), see ${result.file}`}, ${result.seconds} s`,
  );
}
for (const one of busy) one.stdin.end();
const failed = results.filter(({ passed }) => !passed).length;
const notRun = rounds - results.length;
console.log(
  `${results.length - failed} passed, ${failed} failed${notRun > 0 ? `, ${notRun} not run: ${minutes} minutes were over` : ""}, with ${load} busy loops beside them`,
);
process.exit(failed + notRun > 0 ? 1 : 0);
