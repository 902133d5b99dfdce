import type { Clock } from "../../../base/os/clock.ts";
import { allocatedDevices } from "../../../client/rules/allocated-devices.ts";
import type { ResourceClaim } from "../../../client/types.ts";
import type { Handle } from "../cycle/handle.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import { bindingDeadlineMs, conditionalDevices, readinessOf } from "./binding-conditions.ts";
import type { DeviceBook } from "./device-book.ts";

/** Devices did not get ready for their node. */
class DeviceBindingError extends Error {
  readonly status: "failed" | "timeout";

  constructor(status: "failed" | "timeout", message: string) {
    super(message);
    this.status = status;
  }
}

interface Awaiting {
  readonly handle: Pick<Handle, "devices" | "recorder" | "metrics" | "clock">;
  readonly signal: AbortSignal;
  /** From the allocation of a claim. */
  readonly timeoutMs: number;
}

/** Waits until all devices of the pod's claims are ready for the node. Rejects, saying why, where they will not be. */
export async function awaitDevices(
  { pod, schedulerName }: PodInfo,
  node: string,
  claims: readonly ResourceClaim[],
  { handle, signal, timeoutMs }: Awaiting,
): Promise<void> {
  if (!claims.some((claim) => conditionalDevices(claim).length > 0)) return;
  const { devices, recorder, metrics, clock } = handle;
  const message = `waiting for binding conditions for device on node ${node}`;
  recorder.record(pod, { type: "Normal", reason: "BindingConditionsPending", message });
  const startedMs = clock.monotonicMs();
  const count = (status: "success" | "failed" | "timeout" | "error") => {
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    const labels = { profile: schedulerName, status };
    for (const { driver } of claims.flatMap(allocatedDevices))
      metrics.conditionSeconds.of({ ...labels, driver }).observe(seconds);
    for (const { driver } of claims.flatMap(conditionalDevices))
      metrics.conditionalAllocations.of({ ...labels, driver }).count++;
  };
  try {
    await devices.waitFor(areReady(claims, devices), { clock, signal, ...limitOf(claims, clock, timeoutMs) });
    count("success");
  } catch (error) {
    count(error instanceof DeviceBindingError ? error.status : "error");
    throw error;
  }
}

/** A claim that was made a moment ago is not shown yet; one that was shown and is not is gone. */
function areReady(claims: readonly ResourceClaim[], devices: DeviceBook): () => boolean {
  const shown = new Set<string>();
  return () =>
    claims.every(({ metadata: { namespace = "", name, uid } }) => {
      const claim = devices.claim(namespace, name);
      if (claim?.metadata.uid !== uid) {
        if (!shown.has(uid)) return false;
        throw new Error(`resourceclaim.resource.k8s.io ${JSON.stringify(name)} not found`);
      }
      shown.add(uid);
      const readiness = readinessOf(claim);
      if (readiness.state !== "failed") return readiness.state === "ready";
      const why = `reason=${readiness.reason}, message=${JSON.stringify(readiness.message)}`;
      throw new DeviceBindingError("failed", `device binding failed: claim=${name}, ${why}`);
    });
}

/** The claim that was allocated first has the least time left. */
function limitOf(claims: readonly ResourceClaim[], clock: Clock, timeoutMs: number) {
  const nowMs = clock.wallMs();
  const left = claims
    .flatMap((claim) => {
      const deadlineMs = bindingDeadlineMs(claim, timeoutMs);
      return deadlineMs === undefined
        ? []
        : [{ name: claim.metadata.name, ms: Math.max(0, deadlineMs - nowMs) }];
    })
    .sort((a, b) => a.ms - b.ms);
  const [first = { name: "", ms: timeoutMs }] = left;
  const late = () => new DeviceBindingError("timeout", `device binding timeout: claim=${first.name}`);
  return { timeoutMs: first.ms, late };
}
