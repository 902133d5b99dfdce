import { type Clock, systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { describeError, type Log, silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { ownSetImmediate } from "../../base/os/own-timers.ts";
import { RamDisk } from "../../base/os/ram-disk.ts";
import { type Random, systemRandom } from "../../base/os/random.ts";
import { type BackendConfig, backendDefaults } from "../backend/layered-backend.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import { openStoreClient } from "../client/open-client.ts";
import type { StoreClient } from "../client/store-client.ts";
import type { ClientTransport } from "../client/transport.ts";
import { type RunningStore, type StartOptions, startStore } from "../compose.ts";
import type { StoreConfig } from "../flags.ts";
import { LocalTransport } from "../local-transport.ts";
import { inOptions, type MemberSettings, memberConfig } from "./member-options.ts";

/** Whom a store asks for the time and for chance, and whom it tells. By default the system, and nobody. */
export interface Doors {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
}

/** A member of the store in this process, and a way to it that needs no socket. */
export interface EmbeddedStore {
  readonly running: RunningStore;
  /** Calls the member itself, whatever their endpoint. */
  readonly transport: ClientTransport;
  readonly client: StoreClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Resolves when it was closed; rejects with what it failed of. */
  readonly done: Promise<void>;
  /** Ends the client and the member; nothing of them is open or runs thereafter. Idempotent. */
  close(): Promise<void>;
}

/** What a client calls a member that it needs no address for. */
const inThisProcess = "http://in-this-process:1";

/** In memory there is no disk to spare: what was written is there once, in small files that compactions give back early. */
const inMemory: BackendConfig = {
  ...backendDefaults,
  revisions: {
    ...backendDefaults.revisions,
    segmentBytes: 4 * 1024 * 1024,
    chunkBytes: 64 * 1024,
    recentBytesMax: 1024 * 1024,
    cacheBytesMax: 4 * 1024 * 1024,
  },
};
/** Entries of the log that stay in memory, where nobody is there to fall behind; and values that were read, of which another
 *  copy is in memory. */
const tuning = { catchUpEntries: 10, values: { bytesMax: 1024 * 1024, valuesMax: 1024 } } as const;
const snapshotCount = 1_000;
const nextTurn = () => new Promise<void>(ownSetImmediate);

/** Opens it and waits until it serves; a member of a cluster, too, which may have to wait for the others.
 *  Rejects with UsageError for options, and with one line on what is wrong for data. */
export async function openEmbedded(
  settings: MemberSettings & {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  },
  doors: Doors = {},
): Promise<EmbeddedStore> {
  const { clock = systemClock, random = systemRandom, log = silentLog } = doors;
  const { signal, timeoutMs } = settings;
  const config = memberConfig(settings);
  signal?.throwIfAborted();
  const os = { clock, random, log, metrics: new MetricsRegistry() };
  const start: StartOptions = { signal, pause: doors.clock && nextTurn };
  const starting =
    settings.folder === undefined
      ? startInMemory(config, os, start)
      : startStore(config, { ...os, disk: systemDisk }, start);
  const running = await starting.catch((error: unknown) => {
    const told = error instanceof Error ? inOptions(error.message) : undefined;
    throw error instanceof Error && told !== error.message ? new Error(told, { cause: error }) : error;
  });
  const transport = new LocalTransport({ ...running, handlers: running.member.handlers }, clock);
  const client = openStoreClient(
    { endpoints: [running.clientUrls[0] ?? inThisProcess], timeoutMs },
    { clock, random, transport },
  );
  const done = running.done.catch((error: unknown) => {
    throw new Error(`the store has failed: ${describeError(causeOf(error))}`, { cause: error });
  });
  done.then(
    () => client.close("the store has ended"),
    (error: Error) => client.fail(error.message),
  );
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= (async () => {
      client.close("the store is closed");
      await running.stop();
    })();
    return closing;
  };
  try {
    await served(running, signal);
  } catch (error) {
    await close();
    throw error;
  }
  return { running, transport, client, clock, random, done, close };
}

/** What a task failed of, in place of that it failed. */
function causeOf(error: unknown): unknown {
  const isTask =
    error instanceof Error && error.cause !== undefined && /^task .+ failed$/.test(error.message);
  return isTask ? causeOf(error.cause) : error;
}

function startInMemory(
  config: StoreConfig,
  os: { clock: Clock; random: Random; log: Log; metrics: MetricsRegistry },
  start: StartOptions,
) {
  const disk = new RamDisk();
  const home = new MemoryHome(
    inMemory,
    { onFailure: (error) => os.log.error("the database in memory failed", { error }) },
    nextTurn,
  );
  home.disk = disk;
  return startStore({ ...config, snapshotCount }, { ...os, disk }, { ...start, memory: { home, tuning } });
}

/** Rejects where it ends before it serves. */
function served(running: RunningStore, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal?.reason);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    const settle = (act: () => void) => () => {
      signal?.removeEventListener("abort", onAbort);
      act();
    };
    running.ready.then(settle(resolve), reject);
    running.done.then(
      settle(() => reject(new Error("the store ended before it served"))),
      (error: unknown) => settle(() => reject(error))(),
    );
  });
}
