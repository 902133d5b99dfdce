import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { deferred } from "../base/deferred.ts";
import type { FlagValues } from "../base/os/flags.ts";
import type { Running } from "../base/os/os.ts";
import { storeConfig, type storeFlags } from "../store/flags.ts";
import type { ThreadMember } from "../store/thread/thread-transport.ts";
import type { StoreThreadData, StoreThreadReport } from "./store-thread.ts";

export interface StoreBeside extends Running, ThreadMember {}

/** The bundle's file, or what loads the source. */
const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./store-thread-source.mjs" : "./store-thread.js",
  import.meta.url,
);

/** Starts a member of the store in a thread of its own, so that it works while others do. Rejects as `startStore` does; when the
 *  thread breaks, `done` rejects. */
export async function startStoreThread(
  flags: FlagValues<typeof storeFlags>,
  log: { readonly level: string; readonly format: string },
): Promise<StoreBeside> {
  storeConfig(flags); // says what is wrong with them before there is a thread
  const { port1: port, port2 } = new MessageChannel();
  const data: StoreThreadData = { flags, logLevel: log.level, logFormat: log.format, port: port2 };
  const worker = new Worker(entry, { workerData: data, transferList: [port2] });
  const started = deferred<readonly string[]>();
  const done = deferred<void>();
  const fail = (error: Error) => {
    started.reject(error);
    done.reject(error);
  };
  started.promise.catch(() => undefined); // the caller hears of it below
  done.promise.catch(() => undefined); // who runs the store hears of it
  worker.on("message", (told: StoreThreadReport) => {
    if (told.kind === "started") started.resolve(told.clientUrls);
    else if (told.kind === "stopped") done.resolve();
    else fail(Object.assign(new Error(told.message), defined(told.properties)));
  });
  worker.on("error", fail);
  worker.on("exit", (code) => fail(new Error(`the store's thread has ended with ${code}`)));
  const ended = once(worker, "exit");
  const stop = async () => {
    worker.postMessage("stop");
    await ended;
  };
  return { port, clientUrls: await started.promise, done: done.promise, stop };
}

function defined(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}
