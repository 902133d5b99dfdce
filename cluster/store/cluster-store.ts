import type { Clock } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import { EtcdStorage } from "../../controlplane/apiserver/registry/etcd-storage.ts";
import {
  type Storage,
  StorageError,
  type StoredEntry,
  type Write,
} from "../../controlplane/apiserver/registry/storage.ts";
import type { EmbeddedStore } from "../../store/embedded/embedded-store.ts";
import { OrderedStorage } from "./ordered-storage.ts";

/** What a cluster keeps its objects in; it may go and come back. */
export interface ClusterStore {
  /** The same for the cluster's whole life. */
  readonly storage: Storage;
  /** Somebody waits for an answer that takes more than a turn of the event loop. */
  readonly isUnderWay: boolean;
  /** Writes what `choose` makes of everything under a prefix. */
  rewrite(prefix: string, choose: (entries: readonly StoredEntry[]) => readonly Write[]): Promise<void>;
  /** Nothing is answered any more, until it is restarted. */
  crash(): Promise<void>;
  restart(): Promise<void>;
  close(): Promise<void>;
}

export function memoryStore(clock: Clock): ClusterStore {
  const storage = new OrderedStorage(clock);
  return {
    storage,
    isUnderWay: false,
    rewrite: (prefix, choose) => storage.rewrite(prefix, choose),
    crash: async () => storage.crash(),
    restart: async () => storage.restart(),
    close: () => storage.close(),
  };
}

/** The most that one transaction takes. */
const writesMost = 64;

/** A member of the real store in this process, whose data lies in a folder. It goes by the machine's clock. */
export async function folderStore(
  folder: string,
  os: Pick<Os, "clock" | "random" | "log">,
): Promise<ClusterStore> {
  // A member is a good part of the program, and few clusters need one.
  const { openEmbedded } = await import("../../store/embedded/embedded-store.ts");
  const open = async () => {
    const store = await openEmbedded({ folder }, os);
    return { store, storage: new EtcdStorage(store.client, os.clock) };
  };
  let now: { readonly store: EmbeddedStore; readonly storage: Storage } | undefined = await open();
  const running = () => {
    if (now === undefined) throw new StorageError("unavailable", "the store is down");
    return now.storage;
  };
  const end = async () => {
    const ended = now;
    now = undefined;
    await ended?.store.close();
  };
  let underWay = 0;
  const counted = async <T>(ask: (storage: Storage) => Promise<T>): Promise<T> => {
    underWay++;
    try {
      return await ask(running());
    } finally {
      underWay--;
    }
  };
  const storage: Storage = {
    get: (key) => counted((to) => to.get(key)),
    list: (prefix, options) => counted((to) => to.list(prefix, options)),
    commit: (transaction) => counted((to) => to.commit(transaction)),
    revision: () => counted((to) => to.revision()),
    watch: (prefix, fromRevision, signal) => running().watch(prefix, fromRevision, signal),
    compact: (revision) => counted((to) => to.compact(revision)),
    close: end,
  };
  return {
    storage,
    get isUnderWay() {
      return underWay > 0;
    },
    async rewrite(prefix, choose) {
      const { entries } = await storage.list(prefix);
      const writes = choose(entries);
      for (let at = 0; at < writes.length; at += writesMost)
        await storage.commit({ compare: [], writes: writes.slice(at, at + writesMost) });
    },
    crash: end,
    async restart() {
      now ??= await open();
    },
    close: end,
  };
}
