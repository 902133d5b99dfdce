import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { below, type Random } from "../../../base/os/random.ts";
import { unlessAborted } from "../../../base/unless-aborted.ts";
import { startCompacting } from "./compacting-client.ts";
import { startRegisterClients } from "./register-clients.ts";
import { type StoreCluster, startStoreCluster } from "./store-cluster.ts";
import type { Span } from "./timeline.ts";
import { MissingHereError, type Trouble } from "./trouble.ts";
import { type Verdict, verdictOf } from "./verdict.ts";

/** Members are started anew within seconds, on a busy machine within minutes. */
const troubleMaxMs = 300_000;

export interface ChaosParts {
  /** By name. */
  readonly troubles: Readonly<Record<string, Trouble>>;
  readonly isOver: () => boolean;
  /** Between two troubles. */
  readonly pause: () => Promise<void>;
  readonly tell: (line: string) => void;
  /** The folder that what members said is written to in the end. */
  readonly logs?: string | undefined;
}

/** All troubles once in their order, then some in no order until it is over; then what clients saw is judged, and members must
 *  agree on their whole history. */
export async function chaos(random: Random, parts: ChaosParts): Promise<Verdict> {
  const cluster = await startStoreCluster();
  const { endpoints } = cluster.processes;
  const clients = startRegisterClients(endpoints, { clients: 6, keys: 12, random });
  const compacting = startCompacting(endpoints, { keptRevisions: 1_000, everyMs: 10_000 });
  const spans: Span[] = [];
  try {
    const problems = await stormOver(cluster, random, { ...parts, spans });
    await Promise.all([clients.stop(), compacting.stop()]);
    if (problems.length === 0) problems.push(...unequal(await cluster.hashes()));
    const { picture, summary, ...verdict } = verdictOf(clients.calls, spans, problems);
    return { ...verdict, picture, summary: `${summary}\n${compacting.done()} compactions` };
  } finally {
    await Promise.all([clients.stop(), compacting.stop()]);
    if (parts.logs !== undefined) keepLogs(cluster, parts.logs);
    await cluster.stop();
  }
}

async function stormOver(
  cluster: StoreCluster,
  random: Random,
  { troubles, isOver, pause, tell, spans }: ChaosParts & { readonly spans: Span[] },
): Promise<string[]> {
  const all = Object.entries(troubles);
  const left = [...all];
  while (left.length > 0 || !isOver()) {
    const [name, trouble] = left.shift() ?? (all[below(random, all.length)] as [string, Trouble]);
    await pause();
    const fromMs = performance.now();
    let missing = "";
    let problem: unknown;
    try {
      await unlessAborted(trouble(cluster, random), AbortSignal.timeout(troubleMaxMs));
      mustAllRun(cluster);
    } catch (error) {
      if (error instanceof MissingHereError) missing = error.message;
      else problem = error;
    }
    const toMs = performance.now();
    if (missing === "") spans.push({ name, fromMs, toMs });
    const note = missing === "" ? "" : `, skipped: this machine has no ${missing}`;
    tell(`${name}: ${((toMs - fromMs) / 1_000).toFixed(1)} s${note}`);
    if (problem === undefined) continue;
    for (const member of cluster.processes.endpoints.keys()) tell(lastWords(cluster, member));
    return [`${name}: ${causesOf(problem)}`];
  }
  return [];
}

/** One that ended by itself is missed by nobody until the next trouble takes another one. */
function mustAllRun({ processes }: StoreCluster): void {
  const ended = [...processes.endpoints.keys()].filter((member) => !processes.isRunning(member));
  if (ended.length > 0) throw new Error(`${ended.map((member) => `m${member}`).join(", ")} ended`);
}

const causesOf = (error: unknown): string =>
  error instanceof Error
    ? `${error.message}${error.cause === undefined ? "" : `: ${causesOf(error.cause)}`}`
    : String(error);

function keepLogs({ processes }: StoreCluster, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const member of processes.endpoints.keys())
    writeFileSync(join(folder, `m${member}.log`), processes.output(member));
}

function lastWords({ processes }: StoreCluster, member: number): string {
  const lines = processes.output(member).trimEnd().split("\n").slice(-20);
  return [`m${member} said last:`, ...lines].join("\n  ");
}

function unequal(hashes: readonly string[]): readonly string[] {
  return new Set(hashes).size === 1 ? [] : [`members have different histories: ${hashes.join("; ")}`];
}
