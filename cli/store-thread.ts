import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { FlagValues } from "../base/os/flags.ts";
import { describeError } from "../base/os/log.ts";
import { startStore } from "../store/compose.ts";
import { storeConfig, type storeFlags } from "../store/flags.ts";
import { LocalTransport } from "../store/local-transport.ts";
import { servePort } from "../store/thread/serve-port.ts";
import { systemOs } from "./run-component.ts";

/** What the thread is handed. */
export interface StoreThreadData {
  readonly flags: FlagValues<typeof storeFlags>;
  readonly logLevel: string;
  readonly logFormat: string;
  /** To a `ThreadTransport`. */
  readonly port: MessagePort;
}

/** What the thread says; it is asked for its end by any message. */
export type StoreThreadReport =
  | { readonly kind: "started" }
  | { readonly kind: "stopped" }
  | {
      readonly kind: "failed";
      readonly message: string;
      /** Of the error's own properties those that say who is to be told what. */
      readonly properties: Readonly<Record<string, unknown>>;
    };

/** All of a thread that is a member of the store. */
async function main(data: StoreThreadData, report: (told: StoreThreadReport) => void): Promise<void> {
  const { log, ...doors } = systemOs(data.logLevel, data.logFormat);
  const os = { ...doors, log: log.child("store") };
  const store = await startStore(storeConfig(data.flags), os);
  servePort(data.port, new LocalTransport({ ...store, handlers: store.member.handlers }, doors.clock));
  parentPort?.once("message", () => void store.stop().catch(() => undefined)); // `done` tells how it ended
  report({ kind: "started" });
  await store.done;
}

const report = (told: StoreThreadReport) => parentPort?.postMessage(told);
const { port } = workerData as StoreThreadData;
try {
  await main(workerData as StoreThreadData, report);
  report({ kind: "stopped" });
} catch (error) {
  const { operator, code, path } = error as { operator?: unknown; code?: unknown; path?: unknown };
  report({ kind: "failed", message: describeError(error), properties: { operator, code, path } });
} finally {
  port.close();
  parentPort?.close();
}
