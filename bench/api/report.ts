import { type Spread, spread } from "../spread.ts";
import { warmUpChanges } from "./fan-out.ts";
import { warmUpRequests } from "./loads.ts";
import { type SideFigures, sharedConnections } from "./measure.ts";

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
  { what: "a change to all watchers, p50, ms", figure: (side) => side.fanOut.p50Ms },
  { what: "– p99, ms", figure: (side) => side.fanOut.p99Ms, target: { max: 50 } },
  { what: "– CPU of the server per change, ms", figure: (side) => side.fanOut.cpuMs },
  {
    what: `– on ${sharedConnections} HTTP/2 connections, p50, ms`,
    figure: (side) => side.sharedFanOut.p50Ms,
  },
  { what: "– – p99, ms", figure: (side) => side.sharedFanOut.p99Ms },
  { what: "– – CPU of the server per change, ms", figure: (side) => side.sharedFanOut.cpuMs },
  { what: "resident with all pods, MB", figure: (side) => side.residentMb },
  { what: "– per pod, kB", figure: (side) => side.kbPerPod },
];

const memoryRows = (pods: number): readonly Row[] => [
  {
    what: `resident with ${pods.toLocaleString("en-US")} pods, server and store, MB`,
    figure: ({ memory }) => (memory?.serverMb ?? 0) + (memory?.storeMb ?? 0),
    target: { max: 1200 },
  },
  { what: "– the store's part", figure: ({ memory }) => memory?.storeMb ?? 0 },
  { what: "– of all: pages of files", figure: ({ memory }) => memory?.fileBackedMb ?? 0 },
];

export interface Setup {
  readonly clients: number;
  readonly pods: number;
  readonly watchers: number;
  readonly seconds: number;
  readonly memoryPods: number;
  /** Pintle's store and API server are one process. */
  readonly oneProcess: boolean;
}

export function markdown(rounds: readonly ApiRound[], setup: Setup): string {
  const { clients, pods, watchers, seconds, memoryPods, oneProcess } = setup;
  const asked = memoryPods > 0 ? [...rows, ...memoryRows(memoryPods)] : rows;
  const table = asked.map(({ what, figure, target }) => {
    const ours = spread(rounds.map(({ pintle }) => figure(pintle)));
    const both = rounds.flatMap(({ pintle, kubernetes }) => (kubernetes ? [{ pintle, kubernetes }] : []));
    const theirs = both.length > 0 ? spread(both.map(({ kubernetes }) => figure(kubernetes))) : undefined;
    const ratio =
      both.length > 0
        ? spread(both.map(({ pintle, kubernetes }) => figure(pintle) / figure(kubernetes)))
        : undefined;
    const cells = [what, shownSpread(ours), theirs ? shownSpread(theirs) : "–", shownRatio(ratio)];
    return `| ${[...cells, verdict(target, ours, ratio)].join(" | ")} |`;
  });
  return [
    "# The API server beside a real one",
    "",
    `Pintle's API server on a store of one member${oneProcess ? " in the same process" : ""}, kube-apiserver on etcd; each side alone, in turn, on the same machine in the`,
    `same run: ${rounds.length} rounds, ${clients} clients, ${seconds} s a load, at least ${pods} pods, ${watchers} watchers. Before each load come`,
    `some of the same that do not count: ${warmUpRequests} creates and gets, one list, ${warmUpChanges} changes. Medians, with the rounds' spread; ratios`,
    "are Pintle ÷ kube-apiserver, round by round. Only the ratios are worth quoting.",
    "",
    `    npm run bench:api -- --rounds ${rounds.length} --seconds ${seconds}${memoryPods > 0 ? ` --memory-pods ${memoryPods}` : ""}${oneProcess ? " --one-process" : ""}`,
    "",
    "| | Pintle (min–max) | kube-apiserver (min–max) | ratio (min–max) | target |",
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

function shownSpread({ median, min, max }: Spread): string {
  return min === max ? shown(median) : `${shown(median)} (${shown(min)}–${shown(max)})`;
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toFixed(1);
}

function shownRatio(ratio: Spread | undefined): string {
  if (ratio === undefined) return "–";
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`;
}
