import { tryHoldName } from "../../base/os/held-name.ts";
import { OperatorError } from "../command.ts";
import type { ClusterPlan } from "./cluster-state.ts";

/** Clusters on one machine have a network slot each: with containers a bridge and three address ranges, with plain processes
 *  three ranges of loopback addresses. The supervisor holds its slot as long as it lives. */
export const networkSlotCount = 20;

/** What the slots of clusters of this runtime are counted under: those of the two kinds do not meet. */
export function slotFamily(runtime: ClusterPlan["runtime"]): string {
  return runtime === "oci" ? "network" : "loopback";
}

export interface HeldSlot {
  readonly slot: number;
  release(): void;
}

/** The wanted slot, or – without a wish – the first free one; both only if `isUsable` accepts it. */
export async function holdNetworkSlot(
  family: string,
  wanted: number | undefined,
  isUsable: (slot: number) => Promise<boolean>,
): Promise<HeldSlot> {
  const candidates =
    wanted === undefined ? Array.from({ length: networkSlotCount }, (_, slot) => slot) : [wanted];
  for (const slot of candidates) {
    const held = await tryHoldNetworkSlot(family, slot);
    if (held === undefined) continue;
    try {
      if (await isUsable(slot)) return held;
    } catch (error) {
      held.release();
      throw error;
    }
    held.release();
  }
  throw new OperatorError(
    wanted === undefined
      ? `all ${networkSlotCount} ${family} slots are taken; stop a cluster ("pintle down")${family === "network" ? ", or use --runtime process" : ""}`
      : `another running cluster has taken this one's network (${family} slot ${wanted}); stop it first ("pintle down --data-dir …")`,
  );
}

/** Undefined where another process holds it. */
export async function tryHoldNetworkSlot(family: string, slot: number): Promise<HeldSlot | undefined> {
  const held = await tryHoldName(`${family}-${slot}`);
  return held && { slot, release: held.release };
}
