import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { compressLog } from "../../agent/logs/compress-log.ts";
import { type PodLogFolders, podLogFolders } from "../../agent/logs/folders.ts";
import { keptName } from "../../agent/logs/log-names.ts";
import { Prng } from "../../base/os/random.ts";

export interface MadeLogs {
  readonly folders: PodLogFolders;
  readonly writtenBytes: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LogsToMake {
  readonly folder: string;
  readonly lines: number;
  readonly containers: number;
  readonly hours: number;
  readonly seed: number;
  readonly onProgress: (lines: number) => void;
}

/** What kubelets turn a log over at, and how many files they keep. */
const fileBytesMost = 10 * 1024 * 1024;
const liveFiles = 5;
const chunkLines = 2_000;

export const apps = ["api", "web", "worker", "billing", "search", "mailer", "gateway", "cache"] as const;

/** A node's logs as they lie after a day: the last files of each container as the runtime left them, older ones compressed as the
 *  agent does. Half of the containers write JSON, half `key=value`. */
export async function makeLogs(given: LogsToMake): Promise<MadeLogs> {
  const folders = podLogFolders(join(given.folder, "logs"));
  const toMs = Math.floor(Date.now() / 1000) * 1000;
  const fromMs = toMs - given.hours * 3_600_000;
  let writtenBytes = 0;
  let lines = 0;
  for (let container = 0; container < given.containers; container++) {
    const share = Math.floor(given.lines / given.containers);
    writtenBytes += await makeLog({ folders, container, lines: share, fromMs, toMs, seed: given.seed });
    lines += share;
    given.onProgress(lines);
  }
  return { folders, writtenBytes, fromMs, toMs };
}

interface LogToMake {
  readonly folders: PodLogFolders;
  readonly container: number;
  readonly lines: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly seed: number;
}

async function makeLog({ folders, container, lines, fromMs, toMs, seed }: LogToMake): Promise<number> {
  const generator = new Prng(seed + container);
  const random = () => generator.uint32() / 2 ** 32;
  const app = apps[container % apps.length] ?? "api";
  const namespace = container % 3 === 0 ? "shop" : "platform";
  const podFolder = `${namespace}_${app}-${container}_00000000-0000-4000-8000-${String(container).padStart(12, "0")}`;
  const live = join(folders.live, podFolder, "app");
  const kept = join(folders.kept, podFolder, "app");
  for (const folder of [live, kept]) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "0.labels.json"),
      JSON.stringify({ app, tier: container % 2 === 0 ? "front" : "back" }),
    );
  }
  const closed: string[] = [];
  let writtenBytes = 0;
  let file = openSync(join(live, "0.log"), "w");
  let fileBytes = 0;
  let lastMs = fromMs;
  const turnOver = (isLast: boolean) => {
    closeSync(file);
    utimesSync(join(live, "0.log"), lastMs / 1000, lastMs / 1000);
    if (isLast) return;
    const path = join(live, `turned-${closed.length}`);
    renameSync(join(live, "0.log"), path);
    closed.push(path);
    file = openSync(join(live, "0.log"), "w");
    fileBytes = 0;
  };
  for (let line = 0; line < lines; ) {
    let text = "";
    for (const end = Math.min(lines, line + chunkLines); line < end; line++) {
      lastMs = fromMs + ((toMs - fromMs) * (line + random())) / lines;
      text += lineOf(app, lastMs, random);
    }
    const bytes = writeSync(file, text);
    fileBytes += bytes;
    writtenBytes += bytes;
    if (fileBytes >= fileBytesMost) turnOver(false);
  }
  turnOver(true);
  const plain = closed.slice(-(liveFiles - 1)).reverse();
  for (const path of closed.slice(0, -(liveFiles - 1) || undefined)) {
    const target = join(kept, keptName(0, statSync(path).ino));
    renameSync(path, target);
    await compressLog(target);
  }
  for (const [index, path] of plain.entries()) renameSync(path, join(live, `0.log.${index + 1}`));
  return writtenBytes;
}

const routes = ["/api/orders", "/api/users", "/api/carts", "/healthz", "/api/search", "/static/app.js"];
const failures = [
  "connection reset by peer",
  "upstream timeout",
  "context deadline exceeded",
  "no route to host",
];

function lineOf(app: string, timeMs: number, random: () => number): string {
  const whole = Math.floor(timeMs);
  const nanos = String(Math.floor((timeMs - whole) * 1e6)).padStart(6, "0");
  const time = new Date(whole).toISOString().replace("Z", `${nanos}Z`);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)] as T;
  const isBad = random() < 0.01;
  const level = isBad ? "error" : random() < 0.1 ? "warn" : "info";
  const status = isBad ? 500 + Math.floor(random() * 5) : 200;
  const request = Math.floor(random() * 2 ** 48)
    .toString(16)
    .padStart(12, "0");
  const took = (random() * (isBad ? 5 : 0.2)).toFixed(3);
  const msg = isBad ? pick(failures) : "request served";
  const path = `${pick(routes)}/${Math.floor(random() * 100_000)}`;
  const stream = isBad ? "stderr" : "stdout";
  const isJson = apps.indexOf(app as (typeof apps)[number]) % 2 === 0;
  const text = isJson
    ? `{"level":"${level}","msg":"${msg}","path":"${path}","status":${status},"took":${took},"request":"${request}"}`
    : `level=${level} msg="${msg}" path=${path} status=${status} took=${took} request=${request}`;
  return `${time} ${stream} F ${text}\n`;
}
