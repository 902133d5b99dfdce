import { type Spread, spread } from "../report.ts";
import type { SideFigures } from "./measure.ts";

/** Pure: measured rounds to a report in Markdown. */
export interface ApiRound {
  readonly pintle: SideFigures;
  readonly kubernetes: SideFigures | undefined;
}

interface Row {
  readonly what: string;
  readonly figure: (side: SideFigures) => number;
  /** What ours is to be, as a part of the other's; or what it is to be alone. */
  readonly target?: { readonly ratioMin?: number; readonly ratioMax?: number; readonly max?: number };
}

const rows: readonly Row[] = [
  { what: "start to ready, ms", figure: (side) => side.readyMs, target: { max: 1000 } },
  { what: "pod creates/s", figure: (side) => side.creates.perSecond, target: { ratioMin: 2 } },
  { what: "– p99, ms", figure: (side) => side.creates.p99Ms },
  { what: "– CPU of the server per 1000, ms", figure: (side) => side.creates.serverCpuMs },
  { what: "– CPU of the store per 1000, ms", figure: (side) => side.creates.storeCpuMs },
  { what: "pod gets/s", figure: (side) => side.gets.perSecond, target: { ratioMin: 2 } },
  { what: "– p99, ms", figure: (side) => side.gets.p99Ms },
  { what: "– CPU of the server per 1000, ms", figure: (side) => side.gets.serverCpuMs },
  { what: "– CPU of the store per 1000, ms", figure: (side) => side.gets.storeCpuMs },
  { what: "list of all pods, ms", figure: (side) => side.listMs, target: { ratioMax: 0.5 } },
  { what: "– memory beyond what was resident, MB", figure: (side) => side.listPeakMb },
  { what: "a change to all watchers, p50, ms", figure: (side) => side.fanOutP50Ms },
  { what: "– p99, ms", figure: (side) => side.fanOutP99Ms, target: { max: 50 } },
  { what: "– CPU of the server per change, ms", figure: (side) => side.fanOutCpuMs },
  { what: "resident with all pods, MB", figure: (side) => side.residentMb },
  { what: "– per pod, kB", figure: (side) => side.kbPerPod },
];

export interface Setup {
  readonly clients: number;
  readonly pods: number;
  readonly watchers: number;
  readonly seconds: number;
  /** Pintle's store and API server are one process. */
  readonly oneProcess: boolean;
}

export function markdown(rounds: readonly ApiRound[], setup: Setup): string {
  const table = rows.map(({ what, figure, target }) => {
    const ours = spread(rounds.map(({ pintle }) => figure(pintle)));
    const both = rounds.flatMap(({ pintle, kubernetes }) => (kubernetes ? [{ pintle, kubernetes }] : []));
    const theirs = both.length > 0 ? spread(both.map(({ kubernetes }) => figure(kubernetes))) : undefined;
    const ratio =
      both.length > 0
        ? spread(both.map(({ pintle, kubernetes }) => figure(pintle) / figure(kubernetes)))
        : undefined;
    const cells = [what, shown(ours.median), theirs ? shown(theirs.median) : "–", shownRatio(ratio)];
    return `| ${[...cells, verdict(target, ours, ratio)].join(" | ")} |`;
  });
  const { clients, pods, watchers, seconds, oneProcess } = setup;
  return [
    "# The API server beside a real one",
    "",
    `Pintle's API server on a store of one member${oneProcess ? " in the same process" : ""}, kube-apiserver on etcd; each side alone, in turn, on the same machine in the`,
    `same run: ${rounds.length} rounds, ${clients} clients, ${seconds} s a load, at least ${pods} pods, ${watchers} watchers. Medians; ratios are`,
    "Pintle ÷ kube-apiserver, round by round, with their spread. Only the ratios are worth quoting.",
    "",
    `    npm run bench:api${oneProcess ? " -- --one-process" : ""}`,
    "",
    "| | Pintle | kube-apiserver | ratio (min–max) | target |",
    "| --- | --- | --- | --- | --- |",
    ...table,
    "",
  ].join("\n");
}

function verdict(target: Row["target"], ours: Spread, ratio: Spread | undefined): string {
  if (target === undefined) return "";
  const { ratioMin, ratioMax, max } = target;
  if (max !== undefined) return `≤ ${max}: ${ours.median <= max ? "met" : "missed"}`;
  if (ratio === undefined) return "nothing to compare with";
  if (ratioMin !== undefined) return `≥ ${ratioMin} ×: ${ratio.median >= ratioMin ? "met" : "missed"}`;
  return `≤ ${ratioMax} ×: ${ratio.median <= (ratioMax ?? 0) ? "met" : "missed"}`;
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(1);
}

function shownRatio(ratio: Spread | undefined): string {
  if (ratio === undefined) return "–";
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
}
