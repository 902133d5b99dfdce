import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { systemClock } from "../base/os/clock.ts";
import { parseFlags } from "../base/os/flags.ts";
import { EtcdStorage } from "../controlplane/apiserver/registry/etcd-storage.ts";
import { testOs } from "../controlplane/apiserver/testing.ts";
import { GrpcTransport } from "../store/client/grpc/grpc-transport.ts";
import { openStoreClient } from "../store/client/open-client.ts";
import type { StoreClient } from "../store/client/store-client.ts";
import type { ClientTransport } from "../store/client/transport.ts";
import { type RunningStore, startStore } from "../store/compose.ts";
import { storeConfig, storeFlags } from "../store/flags.ts";
import { LocalTransport } from "../store/local-transport.ts";
import { servePort } from "../store/thread/serve-port.ts";
import { ThreadTransport } from "../store/thread/thread-transport.ts";

/** A member of the store in this process, and clients that call it, reach it as if it had a thread of its own, or connect to it. */
export interface StoreBeside {
  readonly store: RunningStore;
  readonly url: string;
  /** Its data directory. */
  readonly folder: string;
  client(by: "call" | "port" | "socket"): StoreClient;
  stop(): Promise<void>;
}

export async function startStoreBeside(): Promise<StoreBeside> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-beside-"));
  const os = testOs();
  const { flags } = parseFlags(storeFlags, [
    "--name=m",
    `--data-dir=${join(folder, "m")}`,
    "--listen-client-urls=http://127.0.0.1:0",
    "--advertise-client-urls=http://127.0.0.1:9",
    "--listen-peer-urls=http://127.0.0.1:0",
    "--initial-advertise-peer-urls=http://127.0.0.1:9",
    "--initial-cluster=m=http://127.0.0.1:9",
  ]);
  const store = await startStore(storeConfig(flags), os);
  store.done.catch(() => undefined); // who stops it hears of it
  await store.ready;
  const url = `http://127.0.0.1:${store.clientPorts[0]}`;
  return {
    store,
    url,
    folder,
    client(by) {
      const transport = by === "socket" ? new GrpcTransport() : transportTo(store, by);
      return openStoreClient({ endpoints: [url] }, { ...os, transport });
    },
    async stop() {
      await store.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Calls a member in this thread, or reaches it as if it had one of its own.
 *  @param remote By port: to other members. */
export function transportTo(
  store: RunningStore,
  by: "call" | "port",
  remote: ClientTransport = new GrpcTransport(),
): ClientTransport {
  const local = new LocalTransport({ ...store, handlers: store.member.handlers }, systemClock);
  if (by === "call") return local;
  const { port1: port, port2 } = new MessageChannel();
  servePort(port2, local);
  return new ThreadTransport({ ...store, port }, remote);
}

/** A store of its own for one API server, which calls it; ends with it. */
export async function storageBeside(): Promise<EtcdStorage> {
  const beside = await startStoreBeside();
  return new (class extends EtcdStorage {
    override async close(): Promise<void> {
      await super.close();
      await beside.stop();
    }
  })(beside.client("port"), testOs().clock);
}
