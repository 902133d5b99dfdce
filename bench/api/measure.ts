import { peakMbSince, resetPeak } from "../usage.ts";
import { createPod, fanOut, getPod, listTimes, type Rate, rate } from "./loads.ts";
import { type SideName, type SideOptions, startApiSide } from "./peers.ts";

/** What one side did in one round. CPU is that of the API server and of its store, per thousand requests. */
export interface SideFigures {
  readonly readyMs: number;
  readonly creates: Loaded;
  readonly gets: Loaded;
  readonly listMs: number;
  readonly listMb: number;
  /** Memory beyond what was resident before the lists. */
  readonly listPeakMb: number;
  readonly fanOutP50Ms: number;
  readonly fanOutP99Ms: number;
  readonly fanOutCpuMs: number;
  /** Of the API server with all pods. */
  readonly residentMb: number;
  readonly kbPerPod: number;
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
  readonly say: (text: string) => void;
}

/** Starts one side, measures it alone, stops it. */
export async function measureSide(name: SideName, options: RoundOptions): Promise<SideFigures> {
  const { clients, seconds, pods, watchers, changes, say } = options;
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
    // What is compiled while it runs is measured as it is for the rest of its life; both sides get the same.
    const warm = await rate(side.access, createPod, { clients, seconds: Math.ceil(seconds / 2) });
    const creates = await under(createPod, warm.requests + warm.failures);
    say(`${name}: ${described(creates)} creates/s`);
    let made = warm.requests + warm.failures + creates.requests + creates.failures;
    const more = { clients, seconds: Number.POSITIVE_INFINITY, from: made, count: Math.max(0, pods - made) };
    made += (await rate(side.access, createPod, more)).requests;
    await rate(side.access, getPod(made), { clients, seconds: Math.ceil(seconds / 2) });
    const gets = await under(getPod(made), 0);
    say(`${name}: ${described(gets)} gets/s`);
    const { residentMb } = side.usage().server;
    resetPeak(side.pids.server);
    const list = await listTimes(side.access, 5);
    const listPeakMb = Math.max(0, peakMbSince(side.pids.server) - residentMb);
    say(`${name}: a list of ${made} pods takes ${Math.round(list.ms)} ms`);
    const beforeSeconds = side.usage().server.cpuSeconds;
    const spread = await fanOut(side.access, { watchers, changes });
    const fanOutCpuMs = ((side.usage().server.cpuSeconds - beforeSeconds) * 1000) / changes;
    say(`${name}: ${watchers} watchers hear of a change within ${Math.round(spread.p99Ms)} ms (p99)`);
    return {
      readyMs: side.readyMs,
      creates,
      gets,
      // Who was faster has made more pods: what counts is the time of as many.
      listMs: (list.ms * pods) / made,
      listMb: list.bytes / 2 ** 20,
      listPeakMb,
      fanOutP50Ms: spread.p50Ms,
      fanOutP99Ms: spread.p99Ms,
      fanOutCpuMs,
      residentMb,
      kbPerPod: ((residentMb - emptyMb) * 1024) / made,
    };
  } finally {
    await side.stop();
  }
}

function described({ perSecond, failures }: Loaded): string {
  return `${failures > 0 ? `(${failures} failures) ` : ""}${Math.round(perSecond)}`;
}
