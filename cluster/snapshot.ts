import type { StoredEntry, Write } from "../controlplane/apiserver/registry/storage.ts";
import type { NodeMachine } from "./node-options.ts";
import type { ClusterStore } from "./store/cluster-store.ts";

/** Everything that a cluster held at a time: its objects, and which nodes it ran. */
export interface Snapshot {
  /** How many objects. */
  readonly size: number;
}

/** The objects themselves, as the store has them. */
export class KeptObjects implements Snapshot {
  readonly #entries: ReadonlyMap<string, Uint8Array>;
  /** By name. */
  readonly machines: ReadonlyMap<string, NodeMachine>;

  constructor(entries: ReadonlyMap<string, Uint8Array>, machines: ReadonlyMap<string, NodeMachine>) {
    this.#entries = entries;
    this.machines = machines;
  }

  get size(): number {
    return this.#entries.size;
  }

  static async of(
    { storage }: Pick<ClusterStore, "storage">,
    machines: ReadonlyMap<string, NodeMachine>,
  ): Promise<KeptObjects> {
    const { entries } = await storage.list(prefix);
    const kept = entries.filter(({ key }) => !isAlive(key)).map(({ key, value }) => [key, value] as const);
    return new KeptObjects(new Map(kept), new Map(machines));
  }

  /** Brings a store back to it. */
  restoreTo(store: Pick<ClusterStore, "rewrite">): Promise<void> {
    return store.rewrite(prefix, (entries) => this.#changes(entries));
  }

  #changes(entries: readonly StoredEntry[]): readonly Write[] {
    const now = new Map(entries.map(({ key, value }) => [key, value]));
    const writes: Write[] = [];
    for (const key of now.keys())
      if (!this.#entries.has(key) && !isAlive(key)) writes.push({ type: "delete", key });
    for (const [key, value] of this.#entries) {
      const held = now.get(key);
      if (held === undefined || Buffer.compare(held, value) !== 0) writes.push({ type: "put", key, value });
    }
    return writes;
  }
}

const prefix = "/registry/";

/** Says who is alive now, and where, and would be wrong at any other time. */
const isAlive = (key: string) =>
  key.startsWith(`${prefix}leases/`) ||
  key.startsWith(`${prefix}masterleases/`) ||
  key === `${prefix}services/endpoints/default/kubernetes` ||
  key === `${prefix}endpointslices/default/kubernetes`;
