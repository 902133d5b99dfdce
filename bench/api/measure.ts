import { peakMbSince, resetPeak } from "../usage.ts";
import { type FanOut, fanOut } from "./fan-out.ts";
import { createPod, getPod, listTimes, type Rate, rate, warmUpRequests } from "./loads.ts";
import { type ApiSide, type SideName, type SideOptions, startApiSide } from "./peers.ts";

/** What one side did in one round. CPU is that of the API server and of its store, per thousand requests. */
export interface SideFigures {
  readonly readyMs: number;
  readonly creates: Loaded;
  readonly gets: Loaded;
  readonly listMs: number;
  readonly listMb: number;
  /** Memory beyond what was resident before the lists. */
  readonly listPeakMb: number;
  /** Watchers with a connection each, and watchers that share some. */
  readonly fanOut: FanOut;
  readonly sharedFanOut: FanOut;
  /** Of the API server with all pods. */
  readonly residentMb: number;
  readonly kbPerPod: number;
  /** With `memoryPods`. */
  readonly memory: ManyPods | undefined;
}

/** What server and store have in memory with very many pods that were created, got and listed. */
export interface ManyPods {
  readonly serverMb: number;
  readonly storeMb: number;
  /** Of both; see Usage. */
  readonly fileBackedMb: number;
}

export interface Loaded extends Rate {
  readonly serverCpuMs: number;
  readonly storeCpuMs: number;
}

export interface RoundOptions extends SideOptions {
  readonly seconds: number;
  readonly clients: number;
  readonly pods: number;
  readonly watchers: number;
  readonly changes: number;
  /** Pods in the end, to measure memory with; 0: none. */
  readonly memoryPods: number;
  readonly say: (text: string) => void;
}

/** HTTP/2 connections that all watchers share, in the second measurement of changes. */
export const sharedConnections = 10;
const warmUp = { seconds: Number.POSITIVE_INFINITY, count: warmUpRequests };

/** Starts one side, measures it alone, stops it. */
export async function measureSide(name: SideName, options: RoundOptions): Promise<SideFigures> {
  const { clients, seconds, pods, watchers, changes, memoryPods, say } = options;
  const side = await startApiSide(name, options);
  try {
    say(`${name}: ready after ${Math.round(side.readyMs)} ms`);
    const under = async (load: (n: number) => Buffer, from: number): Promise<Loaded> => {
      const before = side.usage();
      const result = await rate(side.access, load, { clients, seconds, from });
      const after = side.usage();
      const cpuMs = (part: "server" | "store") =>
        ((after[part].cpuSeconds - before[part].cpuSeconds) * 1e6) / result.requests;
      return { ...result, serverCpuMs: cpuMs("server"), storeCpuMs: cpuMs("store") };
    };
    const emptyMb = side.usage().server.residentMb;
    await rate(side.access, createPod, { ...warmUp, clients });
    const creates = await under(createPod, warmUpRequests);
    say(`${name}: ${described(creates)} creates/s`);
    let made = warmUpRequests + creates.requests + creates.failures;
    made = await createUpTo(side, { made, pods, clients });
    await rate(side.access, getPod(made), { ...warmUp, clients });
    const gets = await under(getPod(made), 0);
    say(`${name}: ${described(gets)} gets/s`);
    const { residentMb } = side.usage().server;
    resetPeak(side.pids.server);
    const list = await listTimes(side.access, 5);
    const listPeakMb = Math.max(0, peakMbSince(side.pids.server) - residentMb);
    say(`${name}: a list of ${made} pods takes ${Math.round(list.ms)} ms`);
    const cpuSeconds = () => side.usage().server.cpuSeconds;
    const alone = await fanOut(side.access, { watchers, changes, cpuSeconds, connections: "each" });
    say(`${name}: ${watchers} watchers hear of a change within ${Math.round(alone.p99Ms)} ms (p99)`);
    const shared = await fanOut(side.access, {
      watchers,
      changes,
      cpuSeconds,
      connections: sharedConnections,
    });
    say(`${name}: on ${sharedConnections} connections within ${Math.round(shared.p99Ms)} ms`);
    const memory = memoryPods > 0 ? await manyPods(side, { made, pods: memoryPods, clients }) : undefined;
    return {
      readyMs: side.readyMs,
      creates,
      gets,
      // Who was faster has made more pods: what counts is the time of as many.
      listMs: (list.ms * pods) / made,
      listMb: list.bytes / 2 ** 20,
      listPeakMb,
      fanOut: alone,
      sharedFanOut: shared,
      residentMb,
      kbPerPod: ((residentMb - emptyMb) * 1024) / made,
      memory,
    };
  } finally {
    await side.stop();
  }
}

interface PodsSoFar {
  readonly made: number;
  readonly pods: number;
  readonly clients: number;
}

/** Answers how many there are then. */
async function createUpTo(side: ApiSide, { made, pods, clients }: PodsSoFar): Promise<number> {
  const count = Math.max(0, pods - made);
  const more = { clients, seconds: Number.POSITIVE_INFINITY, from: made, count };
  return made + (await rate(side.access, createPod, more)).requests;
}

async function manyPods(side: ApiSide, sofar: PodsSoFar): Promise<ManyPods> {
  const made = await createUpTo(side, sofar);
  await rate(side.access, getPod(made), { ...warmUp, clients: sofar.clients });
  await listTimes(side.access, 1);
  const { server, store } = side.usage();
  return {
    serverMb: server.residentMb,
    storeMb: store.residentMb,
    fileBackedMb: server.fileBackedMb + store.fileBackedMb,
  };
}

function described({ perSecond, failures }: Loaded): string {
  return `${failures > 0 ? `(${failures} failures) ` : ""}${Math.round(perSecond)}`;
}
