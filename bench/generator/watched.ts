import { watchRequest } from "../../proto/etcd.ts";
import { type Caller, Connection } from "./connection.ts";
import { drive, type Extent, type Job, type RoundResult } from "./drive.ts";
import { Latencies } from "./latencies.ts";
import { MarkedTimes } from "./marked-times.ts";
import { MessageEnds } from "./message-ends.ts";
import { keyOf, keysEnd, RequestTemplate } from "./request-template.ts";
import { unlessStalled } from "./unless-stalled.ts";

/** Watchers of all keys of loads. */
export interface WatcherCount {
  readonly streams: number;
  readonly watchersPerStream: number;
  readonly connections: number;
}

export const watchersIn = ({ streams, watchersPerStream }: WatcherCount) => streams * watchersPerStream;

const watchAll = new RequestTemplate(() =>
  watchRequest.encode({ createRequest: { key: keyOf(0), rangeEnd: keysEnd } }),
);
/** Each watcher has a key of its own. */
const watchOne = new RequestTemplate((key) => watchRequest.encode({ createRequest: { key } }));

/** Opens watchers that are told nothing, as nobody writes their keys. Resolves when the server has said of each that it is one.
 *  @returns Closes their connections. */
export async function openIdleWatchers(
  how: WatcherCount & Pick<Job, "authorityPem">,
  endpoints: readonly string[],
): Promise<() => void> {
  const watchers = new Watchers(watchOne, (n) => n);
  await watchers.open(how, endpoints);
  return () => watchers.close();
}

/** Drives endpoints with puts of marked values while watchers are told of each. The result is of the events: their number and
 *  rate, and how long after its put was sent each came. Throws where an event does not come. */
export async function driveWatched(
  puts: Job,
  count: WatcherCount,
  endpoints: readonly string[],
  extent: Extent,
): Promise<RoundResult> {
  const watchers = new Watchers(watchAll, () => 0);
  try {
    await watchers.open({ ...puts, ...count }, endpoints);
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const written = await drive(puts, endpoints, extent);
    await watchers.untilEvents(written.requests * watchersIn(count));
    const cpu = process.cpuUsage(cpuBefore);
    const seconds = (watchers.lastMs - startedMs) / 1000;
    const [p50Ms = 0, p99Ms = 0] = watchers.delays.quantiles([0.5, 0.99]);
    return {
      requests: watchers.delays.count,
      failures: written.failures,
      ...(written.firstFailure === undefined ? {} : { firstFailure: written.firstFailure }),
      seconds,
      perSecond: watchers.delays.count / seconds,
      p50Ms,
      p99Ms,
      answerBytes: watchers.bytes,
      generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
    };
  } finally {
    watchers.close();
  }
}

class Watchers {
  readonly delays = new Latencies();
  readonly #connections: Connection[] = [];
  bytes = 0;
  /** When something came last. */
  lastMs = 0;
  #failure: string | undefined;
  /** Watchers, and then events, that are still to come. */
  #missing = 0;
  #allCame: () => void = () => undefined;
  readonly #request: RequestTemplate;
  readonly #keyNumber: (n: number) => number;
  #asked = 0;

  /** @param keyNumber The key of the n-th watcher, or its first. */
  constructor(request: RequestTemplate, keyNumber: (n: number) => number) {
    this.#request = request;
    this.#keyNumber = keyNumber;
  }

  /** Resolves when each watcher was told that it is one. */
  async open(how: WatcherCount & Pick<Job, "authorityPem">, endpoints: readonly string[]): Promise<void> {
    const { streams, watchersPerStream, connections } = how;
    const slots = Math.ceil(streams / connections);
    await Promise.all(
      Array.from({ length: connections }, async (_, i) => {
        const url = endpoints[i % endpoints.length] ?? "";
        const caller = this.#caller(i, slots, watchersPerStream);
        this.#connections[i] = await Connection.open(
          url,
          { ...how, path: "/etcdserverpb.Watch/Watch", slots },
          caller,
        );
      }),
    );
    const all = this.#untilCame(watchersIn(how), "watchers");
    for (const [i, connection] of this.#connections.entries()) {
      for (let slot = 0; slot < slots && i * slots + slot < streams; slot++)
        connection.send(slot, this.#request, this.#keyNumber(this.#asked++), false);
      connection.flush();
    }
    await all;
  }

  /** Of the i-th connection. A stream asks for its next watcher when it was told of the one before. */
  #caller(i: number, slots: number, watchersPerStream: number): Caller {
    const ends = new MessageEnds(slots);
    const times = new MarkedTimes(slots);
    const created = new Uint32Array(slots);
    const isWhole = (slot: number) => created[slot] === watchersPerStream;
    const event = (sentMs: number) => {
      this.delays.add(this.lastMs - sentMs);
      this.#came();
    };
    return {
      turned: () => {
        this.lastMs = performance.now();
      },
      received: (slot, bytes, start, end) => {
        this.bytes += end - start;
        if (isWhole(slot)) times.read(slot, bytes, start, end, event);
        else if (ends.count(slot, bytes, start, end) > 0) {
          (created[slot] as number) += 1;
          this.#came();
          if (!isWhole(slot))
            this.#connections[i]?.sendMore(slot, this.#request, this.#keyNumber(this.#asked++));
        }
      },
      answered: (_slot, failure) => this.#fail(failure ?? "the server ended a watch"),
      lost: (reason) => this.#fail(reason),
    };
  }

  #came(): void {
    this.#missing -= 1;
    if (this.#missing === 0) this.#allCame();
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
  }

  /** Events may have come before they are waited for. */
  untilEvents(count: number): Promise<void> {
    return this.#untilCame(count, "events");
  }

  async #untilCame(count: number, what: string): Promise<void> {
    this.#missing += count;
    this.lastMs = performance.now();
    if (this.#missing === 0) return;
    const all = new Promise<void>((resolve) => {
      this.#allCame = resolve;
    });
    const missing = () => `${this.#missing} ${what} do not come (${this.#failure ?? "no failure is known"})`;
    await unlessStalled(all, () => this.lastMs, missing);
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
