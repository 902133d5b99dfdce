import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { FlagValues } from "../base/os/flags.ts";
import { describeError, type Log } from "../base/os/log.ts";
import { settleMemory } from "../base/os/settle-memory.ts";
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
  /** The common name of the certificate that the API server of this process would connect with. */
  readonly apiserverName: string | undefined;
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
  const member = { ...store, handlers: store.member.handlers };
  const beside = {
    certificateName: data.apiserverName,
    onNobody: tellNobodyOnce(os.log, data.apiserverName),
  };
  servePort(data.port, new LocalTransport(member, doors.clock, beside));
  parentPort?.once("message", () => void store.stop().catch(() => undefined)); // `done` tells how it ended
  report({ kind: "started" });
  const letBe = settleMemory(doors.clock);
  try {
    await store.done;
  } finally {
    letBe();
  }
}

/** Who may ask is the users' to say; that the API server is none of them is the operator's to mend. */
function tellNobodyOnce(log: Log, name: string | undefined): () => void {
  let isTold = false;
  return () => {
    if (isTold) return;
    isTold = true;
    log.error(
      "authentication is on, and the API server in this process does not say who it is, so it is refused everything; " +
        "start the store with --store.client-cert-auth and give the API server a certificate of a user " +
        "(--apiserver.etcd-certfile, --apiserver.etcd-keyfile), or disable authentication",
      name === undefined ? {} : { "certificate-name": name },
    );
  };
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
