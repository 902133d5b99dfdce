import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import { deferred } from "../base/deferred.ts";
import type { FlagValues } from "../base/os/flags.ts";
import type { Running } from "../base/os/os.ts";
import { storeConfig, type storeFlags } from "../store/flags.ts";
import type { ThreadMember } from "../store/thread/thread-transport.ts";
import type { StoreThreadData, StoreThreadReport } from "./store-thread.ts";

export interface StoreBeside extends Running, ThreadMember {
  /** Resolves when it serves, or has calls wait until it does; rejects as `startStore` does. What is called before waits, too. */
  readonly started: Promise<void>;
}

/** The bundle's file, or what loads the source. */
const entry = new URL(
  import.meta.url.endsWith(".ts") ? "./store-thread-source.mjs" : "../cli/store-thread.js",
  import.meta.url,
);

/** Starts a member of the store in a thread of its own, so that it works, and starts, while others do. Throws for flags that are
 *  wrong; when the thread breaks, `done` rejects. */
export function startStoreThread(
  flags: FlagValues<typeof storeFlags>,
  log: { readonly level: string; readonly format: string },
  apiserverName?: string,
): StoreBeside {
  const { listenClient, advertiseClientUrls } = storeConfig(flags);
  const { port1: port, port2 } = new MessageChannel();
  const data: StoreThreadData = {
    flags,
    logLevel: log.level,
    logFormat: log.format,
    apiserverName,
    port: port2,
  };
  const worker = new Worker(entry, { workerData: data, transferList: [port2] });
  const started = deferred<void>();
  const done = deferred<void>();
  const fail = (error: Error) => {
    started.reject(error);
    done.reject(error);
  };
  started.promise.catch(() => undefined); // who waits for it hears of it
  done.promise.catch(() => undefined); // who runs the store hears of it
  worker.on("message", (told: StoreThreadReport) => {
    if (told.kind === "started") started.resolve();
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
  const clientUrls = [...listenClient.map(({ url }) => url), ...advertiseClientUrls];
  return { port, clientUrls, started: started.promise, done: done.promise, stop };
}

function defined(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== undefined));
}
