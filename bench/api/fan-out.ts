import { ApiClient, requestBytes } from "./client.ts";
import { fromCache, quantiles } from "./loads.ts";
import type { ApiAccess } from "./peers.ts";
import { openWatches, type WatchesOptions } from "./watches.ts";

/** From the sending of a change to its arrival at each of the watchers. */
export interface FanOut {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU per change, once the watches are open. */
  readonly cpuMs: number;
}

export interface FanOutOptions extends Pick<WatchesOptions, "watchers" | "connections"> {
  readonly changes: number;
  /** What the server has used so far. */
  readonly cpuSeconds: () => number;
}

/** Changes before those that count: what is compiled while it runs is measured as it is afterwards. */
export const warmUpChanges = 10;

const path = "/api/v1/namespaces/default/configmaps";
const name = "bench-fan-out";

/** Changes one object again and again, each time once all of its watchers have heard of the last change. */
export async function fanOut(access: ApiAccess, options: FanOutOptions): Promise<FanOut> {
  const { watchers, connections, changes, cpuSeconds } = options;
  const writer = await ApiClient.open(access);
  await writer.call(requestBytes("POST", path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } }));
  const arrivals = new Arrivals(watchers);
  const watched = `${path}?watch=true&${fromCache}&fieldSelector=metadata.name%3D${name}`;
  const onBytes = (watcher: number, bytes: Buffer) => arrivals.note(watcher, bytes);
  // Every watcher is shown the object at first.
  const begun = arrivals.of('"ADDED"');
  const watches = await openWatches(access, watched, { watchers, connections, onBytes });
  await begun;
  const change = async (mark: string): Promise<readonly number[]> => {
    const all = arrivals.of(mark);
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { mark } };
    const { code } = await writer.call(requestBytes("PUT", `${path}/${name}`, body));
    if (code !== 200) throw new Error(`the change failed with ${code}`);
    return all;
  };
  for (let n = 0; n < warmUpChanges; n++) await change(`warm-up-${n}-${connections}-`);
  const tookMs: number[] = [];
  const beforeSeconds = cpuSeconds();
  for (let n = 0; n < changes; n++) tookMs.push(...(await change(`change-${n}-${connections}-`)));
  const cpuMs = ((cpuSeconds() - beforeSeconds) * 1000) / changes;
  watches.close();
  writer.close();
  return { ...quantiles(tookMs), cpuMs };
}

const textBytesMax = 4096;

/** When each of the watchers was told of what is waited for. */
class Arrivals {
  readonly #texts: string[];
  readonly #heard = new Set<number>();
  #mark = "";
  #sinceMs = 0;
  #tookMs: number[] = [];
  #resolve: (tookMs: readonly number[]) => void = () => {};

  constructor(watchers: number) {
    this.#texts = new Array<string>(watchers).fill("");
  }

  /** Resolves to how many milliseconds from now it takes to each of them. */
  of(mark: string): Promise<readonly number[]> {
    this.#mark = mark;
    this.#heard.clear();
    this.#tookMs = [];
    this.#sinceMs = performance.now();
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  note(watcher: number, bytes: Buffer): void {
    const text = ((this.#texts[watcher] ?? "") + bytes.toString("latin1")).slice(-textBytesMax);
    this.#texts[watcher] = text;
    if (this.#heard.has(watcher) || !text.includes(this.#mark)) return;
    this.#texts[watcher] = "";
    this.#heard.add(watcher);
    this.#tookMs.push(performance.now() - this.#sinceMs);
    if (this.#tookMs.length === this.#texts.length) this.#resolve(this.#tookMs);
  }
}
