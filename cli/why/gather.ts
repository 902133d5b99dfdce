import { orAbsent } from "../../client/api-error.ts";
import { resources } from "../../client/resources.ts";
import type { RestClient } from "../../client/rest.ts";
import { localPathNode } from "../../client/rules/local-path.ts";
import { volumeClaims } from "../../client/rules/volume-claims.ts";
import type { Pod } from "../../client/types.ts";
import { judgeNodes } from "../../controlplane/scheduler/verdicts.ts";
import { eventsOf } from "../kubectl/describe-events.ts";
import type { ClaimFact, PodFacts, VolumeHome } from "./facts.ts";

const linesShown = 5;

/** Reads what there is to know of a pod. */
export async function gatherPod(
  client: RestClient,
  pod: Pod,
  { nowMs, signal }: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<PodFacts> {
  const { nodeName, schedulingGates = [] } = pod.spec;
  const waits = nodeName === undefined && schedulingGates.length === 0;
  const isOver = pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Succeeded";
  const [events, claims, verdicts, node, lastLines] = await Promise.all([
    eventsOf(client, pod),
    claimsOf(client, pod),
    waits && !isOver ? judgeNodes(pod, client, signal) : undefined,
    nodeName === undefined ? undefined : orAbsent(client.get(resources.nodes, { name: nodeName })),
    lastLinesOf(client, pod, signal),
  ]);
  return { pod, events, claims, verdicts, node, lastLines, nowMs };
}

function claimsOf(client: RestClient, pod: Pod): Promise<readonly ClaimFact[]> {
  return Promise.all(volumeClaims(pod).map(({ name }) => gatherClaim(client, name, pod.metadata.namespace)));
}

export async function gatherClaim(
  client: RestClient,
  name: string,
  namespace: string | undefined,
): Promise<ClaimFact> {
  const claim = await orAbsent(client.get(resources.persistentvolumeclaims, { name, namespace }));
  const className = claim?.spec?.storageClassName;
  const [events, storageClass, home] = await Promise.all([
    claim === undefined ? [] : eventsOf(client, claim),
    className ? orAbsent(client.get(resources.storageclasses, { name: className })) : undefined,
    homeOf(client, claim?.spec?.volumeName),
  ]);
  return { name, claim, events, storageClass, home };
}

async function homeOf(client: RestClient, volumeName: string | undefined): Promise<VolumeHome | undefined> {
  if (!volumeName) return undefined;
  const volume = await orAbsent(client.get(resources.persistentvolumes, { name: volumeName }));
  const name = volume && localPathNode(volume);
  if (name === undefined) return undefined;
  return { name, node: await orAbsent(client.get(resources.nodes, { name })) };
}

/** What containers that crash wrote before they ended; nothing where that cannot be had. */
async function lastLinesOf(
  client: RestClient,
  pod: Pod,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  const crashing = [...initContainerStatuses, ...containerStatuses].filter(
    ({ state, lastState }) => state?.waiting !== undefined && lastState?.terminated !== undefined,
  );
  const read = async (container: string): Promise<[string, readonly string[]]> => {
    const decoder = new TextDecoder();
    let text = "";
    try {
      const options = { container, previous: true, tailLines: linesShown };
      for await (const chunk of client.logs(pod.metadata, options, signal))
        text += decoder.decode(chunk, { stream: true });
    } catch (error) {
      if (signal.aborted) throw error;
    }
    return [container, text.split("\n").filter((line) => line !== "")];
  };
  return new Map(await Promise.all(crashing.map(({ name }) => read(name))));
}
