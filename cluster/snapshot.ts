import type { Storage, Write } from "../controlplane/apiserver/registry/storage.ts";

/** Everything that a cluster held at a time. */
export interface Snapshot {
  /** How many objects. */
  readonly size: number;
}

/** The objects themselves, as the store has them. */
export class KeptObjects implements Snapshot {
  readonly #entries: ReadonlyMap<string, Uint8Array>;

  constructor(entries: ReadonlyMap<string, Uint8Array>) {
    this.#entries = entries;
  }

  get size(): number {
    return this.#entries.size;
  }

  static async of(storage: Storage): Promise<KeptObjects> {
    const { entries } = await storage.list(prefix);
    return new KeptObjects(
      new Map(entries.filter(({ key }) => !isAlive(key)).map(({ key, value }) => [key, value])),
    );
  }

  /** Brings a store back to it. */
  async restoreTo(storage: Storage): Promise<void> {
    const { entries } = await storage.list(prefix);
    const now = new Map(entries.map(({ key, value }) => [key, value]));
    const writes: Write[] = [];
    for (const key of now.keys())
      if (!this.#entries.has(key) && !isAlive(key)) writes.push({ type: "delete", key });
    for (const [key, value] of this.#entries) {
      const held = now.get(key);
      if (held === undefined || Buffer.compare(held, value) !== 0) writes.push({ type: "put", key, value });
    }
    for (let at = 0; at < writes.length; at += writesMost)
      await storage.commit({ compare: [], writes: writes.slice(at, at + writesMost) });
  }
}

const prefix = "/registry/";
/** The most that one transaction takes. */
const writesMost = 64;

/** Says who is alive now, and would be wrong at any other time. */
const isAlive = (key: string) =>
  key.startsWith(`${prefix}leases/`) || key.startsWith(`${prefix}masterleases/`);
