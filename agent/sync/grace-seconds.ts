import type { Pod } from "../../client/types.ts";
import type { ProbeFailure } from "../probes/probe-standing.ts";
import { findContainer } from "./observed.ts";

/** Every pod is given this much, even one that is deleted by force. */
const leastSeconds = 1;

/** How long a pod has to end that takes more of this node than it may, or that the node cannot bear any longer. */
export const evictionGraceSeconds = 1;

/** How long a pod has to end. One that is gone from the API was given nothing: it went there at once. */
export function podGraceSeconds(pod: Pod, gone = false): number {
  const { deletionGracePeriodSeconds: asked } = pod.metadata;
  const seconds = gone ? 0 : (asked ?? pod.spec.terminationGracePeriodSeconds ?? 30);
  return Math.max(leastSeconds, seconds);
}

/** How long one container has to end while its pod goes on; a probe that failed may have a grace of its own. */
export function containerGraceSeconds(pod: Pod, name: string, probe?: ProbeFailure): number {
  if (pod.metadata.deletionGracePeriodSeconds !== undefined) return podGraceSeconds(pod);
  const container = findContainer(pod, name);
  const failed = probe && (probe.kind === "startup" ? container?.startupProbe : container?.livenessProbe);
  return failed?.terminationGracePeriodSeconds ?? podGraceSeconds(pod);
}
