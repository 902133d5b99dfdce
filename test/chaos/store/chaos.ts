import { below, type Random } from "../../../base/os/random.ts";
import { longestSilenceMs } from "../checkers.ts";
import { judge, type RegisterClients, startRegisterClients } from "./register-clients.ts";
import { type StoreCluster, startStoreCluster } from "./store-cluster.ts";
import { type Span, timeline } from "./timeline.ts";
import { MissingHereError, type Trouble } from "./trouble.ts";
import { troubles } from "./troubles.ts";

export interface Verdict {
  /** Broken properties, in words. */
  readonly problems: readonly string[];
  readonly summary: string;
  /** SVG. */
  readonly picture: string;
}

export interface ChaosParts {
  readonly isOver: () => boolean;
  /** Between two troubles. */
  readonly pause: () => Promise<void>;
  readonly tell: (line: string) => void;
}

/** All troubles once in their order, then some in no order until it is over; then what clients saw is judged, and members must
 *  agree on their whole history. */
export async function chaos(random: Random, parts: ChaosParts): Promise<Verdict> {
  const cluster = await startStoreCluster();
  const { endpoints } = cluster.processes;
  const clients = startRegisterClients(endpoints, { clients: 6, keys: 12, random });
  const spans: Span[] = [];
  try {
    const problems = await stormOver(cluster, random, { ...parts, spans });
    await clients.stop();
    if (problems.length > 0) return verdictOf(clients, { spans, problems });
    return verdictOf(clients, { spans, problems: [...problems, ...unequal(await cluster.hashes())] });
  } finally {
    await clients.stop();
    await cluster.stop();
  }
}

async function stormOver(
  cluster: StoreCluster,
  random: Random,
  { isOver, pause, tell, spans }: ChaosParts & { readonly spans: Span[] },
): Promise<readonly string[]> {
  const all = Object.entries(troubles);
  const left = [...all];
  while (left.length > 0 || !isOver()) {
    const [name, trouble] = left.shift() ?? (all[below(random, all.length)] as [string, Trouble]);
    await pause();
    const fromMs = performance.now();
    let note = "";
    try {
      await trouble(cluster, random);
    } catch (error) {
      if (error instanceof MissingHereError) note = `, skipped: this machine has no ${error.message}`;
      else {
        for (const member of cluster.processes.endpoints.keys()) tell(lastWords(cluster, member));
        return [`${name}: ${error instanceof Error ? error.message : error}`];
      }
    } finally {
      const toMs = performance.now();
      spans.push({ name, fromMs, toMs });
      tell(`${name}: ${((toMs - fromMs) / 1_000).toFixed(1)} s${note}`);
    }
  }
  return [];
}

function lastWords({ processes }: StoreCluster, member: number): string {
  const lines = processes.output(member).trimEnd().split("\n").slice(-20);
  return [`m${member} said last:`, ...lines].join("\n  ");
}

function unequal(hashes: readonly string[]): readonly string[] {
  return new Set(hashes).size === 1 ? [] : [`members have different histories: ${hashes.join("; ")}`];
}

function verdictOf(
  { calls }: RegisterClients,
  { spans, problems }: { readonly spans: readonly Span[]; readonly problems: readonly string[] },
): Verdict {
  const { broken, undecided } = judge(calls);
  const answered = calls.filter(({ isAnswered }) => isAnswered);
  const silenceMs = Math.round(longestSilenceMs(answered.map(({ toldMs }) => toldMs)));
  return {
    problems: [
      ...problems,
      ...broken.map((key) => `no order of what clients did to ${key} explains what they were told`),
    ],
    summary:
      `${spans.length} troubles, ${answered.length} calls answered, ${calls.length - answered.length} not, ` +
      `longest silence ${silenceMs} ms, ${undecided.length} keys undecided`,
    picture: timeline(calls, spans),
  };
}
