import { createHash } from "node:crypto";

/** How many flows are remembered. */
const flowsMax = 4096;

/** The chance by which flows get their queues: the same for a flow whenever it comes. Making one takes longer than all else that is
 *  done to let a request in, and flows come again. */
export class FlowHashes {
  readonly #known = new Map<string, bigint>();

  of(schema: string, flow: string): bigint {
    const key = `${schema}\0${flow}`;
    let hash = this.#known.get(key);
    if (hash === undefined) {
      hash = createHash("sha256").update(key).digest().readBigUInt64LE(0);
      if (this.#known.size >= flowsMax) this.#known.clear();
      this.#known.set(key, hash);
    }
    return hash;
  }
}
