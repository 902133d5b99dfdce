import { type ContainerConfig, RuntimeError } from "../seam.ts";
import { signalNames } from "../stop-signal.ts";
import { isGone, type RuntimeClient } from "./cri-client.ts";

/** A runtime passes over fields of requests that are newer than it is. One whose container shows nothing of what was asked for
 *  did: the container goes, and the pod is told by which field. Rejects with RuntimeError. */
export async function refuseUnheard(
  client: Pick<RuntimeClient, "ask">,
  containerId: string,
  { stopSignal }: Pick<ContainerConfig, "stopSignal">,
): Promise<void> {
  if (!signalNames.includes(stopSignal)) return;
  const { status } = await client.ask("ContainerStatus", { containerId });
  if (status === undefined || status.stopSignal !== "RUNTIME_DEFAULT") return;
  await client.ask("RemoveContainer", { containerId }).catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
  throw new RuntimeError(
    `lifecycle.stopSignal: ${stopSignal} is not supported by this node's container runtime`,
  );
}

/** A runtime that is known not to know devices of the Container Device Interface is not asked for them. Throws RuntimeError. */
export function refuseUnknownDevices(
  { cdiDevices = [] }: Pick<ContainerConfig, "cdiDevices">,
  isKnown: boolean,
): void {
  if (cdiDevices.length > 0 && !isKnown)
    throw new RuntimeError(
      `CDI devices ${cdiDevices.join(", ")} are not supported by this node's container runtime`,
    );
}
