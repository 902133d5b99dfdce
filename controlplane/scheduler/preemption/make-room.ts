import { ApiError, ConnectionError, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { setNominatedNode } from "../bind.ts";
import type { PodInfo } from "../cycle/pod-info.ts";
import type { Engine } from "../engine.ts";
import { preemptionReason } from "./eligible.ts";

interface Room {
  readonly node: string;
  readonly victims: readonly PodInfo[];
}

/** Sends the victims away, and takes the node back from less important pods that it was promised to. The pod itself is not
 *  tried before all victims were told; that they are gone is an event like any other. */
export function makeRoom(engine: Engine, pod: PodInfo, { node, victims }: Room): void {
  const { queue, cache, inFlight, metrics, client, clock, signal } = engine;
  const leaving = victims.filter((victim) => victim.pod.metadata.deletionTimestamp === undefined);
  metrics.preemptionVictims.observe(victims.length);
  for (const other of cache.nominatedOn(node))
    if (other.priority < pod.priority && other.key !== pod.key) {
      cache.nominations.delete(other.key);
      inFlight.add(setNominatedNode(client, other.pod, "", signal));
      queue.activate([other.key]);
    }
  if (leaving.length === 0) return;
  queue.hold(pod.key);
  const startedMs = clock.monotonicMs();
  inFlight.add(
    Promise.all(leaving.map((victim) => sendAway(engine, pod, victim, node))).then((results) => {
      const failed = results.includes(false);
      const result = failed ? "error" : "success";
      metrics.evictions.of({ result }).count++;
      metrics.evictionSeconds.of({ result }).observe((clock.monotonicMs() - startedMs) / 1000);
      queue.release(pod.key, failed);
    }),
  );
}

/** Answers false where the API server could not be told. */
async function sendAway(engine: Engine, pod: PodInfo, victim: PodInfo, node: string): Promise<boolean> {
  const { permits, client, recorder, log, mayBind, signal } = engine;
  const said = `Preempted by pod ${pod.pod.metadata.uid} on node ${node}`;
  const event = (message: string) =>
    recorder.record(victim.pod, { type: "Normal", reason: "Preempted", message });
  // One that still waits for a permit is not there yet: it goes back to the queue.
  if (permits.refuse(victim.key, "DefaultPreemption", "preempted")) {
    event(`${said} (in kube-scheduler memory).`);
    return true;
  }
  if (!mayBind()) return false;
  try {
    const { metadata } = victim.pod;
    await client.patch(resources.pods, metadata, disrupted(engine, pod, victim), {
      type: "strategic",
      subresource: "status",
      signal,
    });
    await client.delete(resources.pods, metadata, { preconditions: { uid: metadata.uid }, signal });
  } catch (error) {
    if (isNotFound(error)) return true;
    const expected = error instanceof ApiError || error instanceof ConnectionError || signal.aborted;
    if (!expected) throw error;
    log.warn("a pod could not be preempted", { pod: victim.key, node, error });
    return false;
  }
  event(said);
  return true;
}

/** Why the victim ends, for those who count its ending. */
function disrupted({ clock }: Engine, pod: PodInfo, { pod: victim }: PodInfo): object {
  const condition = {
    type: "DisruptionTarget",
    status: "True",
    ...(victim.metadata.generation !== undefined && { observedGeneration: victim.metadata.generation }),
    reason: preemptionReason,
    message: `${pod.schedulerName}: preempting to accommodate a higher priority pod`,
    lastProbeTime: null,
    lastTransitionTime: `${new Date(clock.wallMs()).toISOString().slice(0, 19)}Z`,
  };
  return { metadata: { uid: victim.metadata.uid }, status: { conditions: [condition] } };
}
