import { below, type Random } from "../../../base/os/random.ts";
import type { StoreCluster } from "./store-cluster.ts";

/** Something that is done to a cluster under load, which is whole again when it resolves. Rejects where a member does not do as it
 *  should, and with `MissingHereError` where this machine has not what it takes. */
export type Trouble = (cluster: StoreCluster, random: Random) => Promise<void>;

export class MissingHereError extends Error {
  override readonly name = "MissingHereError";
}

export const anyMember = (random: Random): number => below(random, 3);
