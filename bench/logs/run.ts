import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { flagHelp, parseFlags, UsageError } from "../../base/os/flags.ts";
import { below, Prng } from "../../base/os/random.ts";
import type { SearchRecord } from "../../client/logs/search-records.ts";
import { asCommand } from "../as-command.ts";
import { apps, type MadeLogs, makeLogs } from "./make-logs.ts";

const flags = {
  lines: { kind: "integer", default: 10_000_000, help: "in all logs together" },
  containers: { kind: "integer", default: 16, help: "of one node, two to each of eight labels" },
  hours: { kind: "integer", default: 24, help: "over which the lines are spread" },
  queries: { kind: "integer", default: 100, help: "of each kind" },
  cold: {
    kind: "boolean",
    default: false,
    help: "drop the system's memory of files before each query; needs root",
  },
  seed: { kind: "integer", default: 1, help: "of lines and queries" },
  folder: {
    kind: "string",
    help: "where the logs are made (default the system's folder for temporary files)",
  },
  help: { kind: "boolean", default: false, short: "h", help: "show this" },
} as const;

interface Kind {
  readonly name: string;
  /** Of the time between; the whole of it where there is none. */
  readonly windowMs?: number;
  /** Times are given beside these. */
  readonly params: (random: Prng) => Record<string, string>;
  /** As many of the queries that were asked for. */
  readonly share?: number;
}

const hourMs = 3_600_000;
const pick = <T>(random: Prng, of: readonly T[]): T => of[below(random, of.length)] as T;
const label = (random: Prng) => ({ labelSelector: `app=${pick(random, apps)}` });
const hex = (random: Prng) =>
  below(random, 2 ** 48)
    .toString(16)
    .padStart(12, "0");

const kinds: readonly Kind[] = [
  {
    name: "an hour, label and text",
    windowMs: hourMs,
    params: (random) => ({
      ...label(random),
      query: pick(random, ['"upstream timeout"', '"no route to host"', "deadline"]),
    }),
  },
  {
    name: "an hour, label and a text that is not there",
    windowMs: hourMs,
    params: (random) => ({ ...label(random), query: `"${hex(random)}z"` }),
  },
  {
    name: "an hour, label and field",
    windowMs: hourMs,
    params: (random) => ({ ...label(random), query: "status>=503 took>4.9" }),
  },
  {
    name: "an hour, label and regular expression",
    windowMs: hourMs,
    params: (random) => ({ ...label(random), query: "/deadline|TIMEOUT: [0-9]+/" }),
  },
  {
    name: "an hour, label and one in any case",
    windowMs: hourMs,
    params: (random) => ({ ...label(random), query: "/UPSTREAM TIMEOUT/i" }),
  },
  {
    name: "an hour, text without a label",
    windowMs: hourMs,
    params: () => ({ query: '"upstream timeout"', limit: "10000" }),
  },
  {
    name: "an hour, counts of errors by pod",
    windowMs: hourMs,
    params: (random) => ({ ...label(random), query: "level=error", counts: "true", step: "1m", by: "pod" }),
  },
  { name: "an hour, the newest 500 of a label", windowMs: hourMs, params: (random) => label(random) },
  {
    name: "all the time, label and a text that is not there",
    share: 0.1,
    params: (random) => ({ ...label(random), query: `"${hex(random)}z"` }),
  },
  {
    name: "all the time, a text that is not there",
    share: 0.05,
    params: (random) => ({ query: `"${hex(random)}z"` }),
  },
];

interface Answer {
  readonly tookMs: number;
  readonly entries: number;
  readonly searchedBytes: number;
}

async function main(argv: readonly string[]): Promise<void> {
  const { flags: given } = parseFlags(flags, argv);
  const say = (text: string) => void process.stdout.write(`${text}\n`);
  if (given.help) return say(`npm run bench:logs -- [flags]\n${flagHelp(flags)}`);
  for (const name of ["lines", "containers", "hours", "queries"] as const)
    if (given[name] < 1) throw new UsageError(`--${name}: ${given[name]} must be 1 or more`);
  const folder = mkdtempSync(join(given.folder ?? tmpdir(), "pintle-bench-logs-"));
  let node: ChildProcess | undefined;
  try {
    const startedMs = performance.now();
    const made = await makeLogs({
      ...given,
      folder,
      onProgress: (lines) => void process.stderr.write(`\r${lines} lines made `),
    });
    process.stderr.write("\n");
    say(
      `${given.lines} lines, ${mb(made.writtenBytes)} MB as they were written, of ${given.containers} containers in ${given.hours} h; made in ${Math.round((performance.now() - startedMs) / 1000)} s`,
    );
    const folders = { ...made.folders, components: [], audit: [] };
    node = fork(join(import.meta.dirname, "node.ts"), [JSON.stringify(folders)], {
      execArgv: ["--import", "tsx"],
    });
    const [port] = (await once(node, "message")) as [number];
    const random = new Prng(given.seed);
    const search = (params: Record<string, string>) => ask(port, params);
    await search({ query: "warm", since: "1m" });
    const pid = node.pid ?? 0;
    const atRest = memoryOf(pid).now;
    say(
      `\n| query | p50, ms | p95, ms | p99, ms | read, MB | found | memory over rest, MB |\n| --- | --- | --- | --- | --- | --- | --- |`,
    );
    for (const kind of kinds) {
      const answers: Answer[] = [];
      writeFileSync(`/proc/${pid}/clear_refs`, "5"); // the peak begins anew
      for (let left = Math.ceil(given.queries * (kind.share ?? 1)); left > 0; left--) {
        if (given.cold) await dropFiles();
        answers.push(await search({ ...kind.params(random), ...timesOf(kind, made, random) }));
      }
      const at = (part: number) =>
        quantile(
          answers.map(({ tookMs }) => tookMs),
          part,
        ).toFixed(0);
      const mean = (of: (one: Answer) => number) =>
        answers.reduce((sum, one) => sum + of(one), 0) / answers.length;
      const peak = mb(memoryOf(pid).peak - atRest);
      say(
        `| ${kind.name} | ${at(0.5)} | ${at(0.95)} | ${at(0.99)} | ${mb(mean((one) => one.searchedBytes))} | ${Math.round(mean((one) => one.entries))} | ${peak} |`,
      );
    }
    await zgrepBeside(made, given.cold, say);
  } finally {
    node?.disconnect();
    rmSync(folder, { recursive: true, force: true });
  }
}

function timesOf({ windowMs }: Kind, { fromMs, toMs }: MadeLogs, random: Prng): Record<string, string> {
  const from =
    windowMs === undefined ? fromMs : fromMs + below(random, Math.max(1, toMs - fromMs - windowMs));
  const until = windowMs === undefined ? toMs + 1 : from + windowMs;
  return { since: new Date(from).toISOString(), until: new Date(until).toISOString() };
}

/** @throws Error where the answer is cut off. */
async function ask(port: number, params: Record<string, string>): Promise<Answer> {
  const startedMs = performance.now();
  const answer = await fetch(`http://127.0.0.1:${port}/logs/search?${new URLSearchParams(params)}`);
  const text = await answer.text();
  const tookMs = performance.now() - startedMs;
  if (!answer.ok) throw new Error(`${answer.status}: ${text}`);
  const last = JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as SearchRecord;
  if (!("end" in last)) throw new Error("an answer was cut off");
  return { tookMs, entries: last.end.entries, searchedBytes: last.end.searchedBytes };
}

/** What one would type otherwise: all files of a label, since nothing tells which are of the hour. */
async function zgrepBeside(
  { folders }: MadeLogs,
  isCold: boolean,
  say: (text: string) => void,
): Promise<void> {
  const took: number[] = [];
  for (const app of apps) {
    if (isCold) await dropFiles();
    const startedMs = performance.now();
    const files = `find "$1" "$2" -path "*_${app}-*" -name "0.log*" -type f -print0 | xargs -0 zgrep -hF "upstream timeout" | wc -l`;
    await promisify(execFile)("sh", ["-c", files, "sh", folders.live, folders.kept]);
    took.push(performance.now() - startedMs);
  }
  say(
    `| zgrep over all files of a label, a text | ${quantile(took, 0.5).toFixed(0)} | ${quantile(took, 0.95).toFixed(0)} |  |  |  |  |`,
  );
}

async function dropFiles(): Promise<void> {
  await promisify(execFile)("sync");
  writeFileSync("/proc/sys/vm/drop_caches", "3");
}

function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const path = `/proc/${pid}/status`;
  const status = existsSync(path) ? readFileSync(path, "utf8") : "";
  const of = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
  return { now: of("VmRSS"), peak: of("VmHWM") };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);

await asCommand(main);
