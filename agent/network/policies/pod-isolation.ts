import type { KnownAttachment, PodAddress, PodAttachment } from "../../network-seam.ts";

/** What the pods' network asks of network policies. */
export interface PodIsolation {
  /** Resolves once the pod's rules are in place. Rejects where they cannot be: then it must not become reachable. */
  admit(pod: PodAttachment, address: Pick<PodAddress, "podIp" | "secondIp">): Promise<void>;
  /** The pod is not connected any more. */
  release(sandboxId: string): void;
  /** Called once, before any `admit`: these stayed connected while no agent ran. */
  restored(known: readonly KnownAttachment[]): void;
}

export const noIsolation: PodIsolation = {
  admit: async () => undefined,
  release: () => undefined,
  restored: () => undefined,
};
