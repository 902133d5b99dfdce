import { type Clock, sleep } from "../base/os/clock.ts";
import { TimeoutError } from "../base/os/within.ts";
import { ApiError, isConflict, isNotFound } from "../client/api-error.ts";
import { resources } from "../client/resources.ts";
import type { RestClient } from "../client/rest.ts";
import type { Pod } from "../client/types.ts";

/** Until an eviction that a budget forbids is asked for again, as kubectl does. */
const againMs = 5_000;

/** Cordons a node and evicts its pods, but for those of DaemonSets, as often as budgets ask for. Resolves with the uids of those
 *  that are on their way out. Rejects with the signal's reason, where it is a TimeoutError with the pods that stay. */
export async function evictPods(
  node: string,
  { client, clock }: { readonly client: RestClient; readonly clock: Clock },
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  await client.patch(resources.nodes, { name: node }, { spec: { unschedulable: true } }, { type: "merge" });
  const { items } = await client.list(resources.pods, { fieldSelector: `spec.nodeName=${node}` });
  const evicted = new Set<string>();
  let left = items.filter((pod) => !isOfDaemonSet(pod));
  for (;;) {
    const refused: { readonly pod: Pod; readonly why: string }[] = [];
    for (const pod of left) {
      const why = await evict(pod, client);
      if (why === undefined) evicted.add(pod.metadata.uid);
      else refused.push({ pod, why });
    }
    if (refused.length === 0) return evicted;
    left = refused.map(({ pod }) => pod);
    await sleep(clock, againMs, signal).catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error;
      const told = refused.map(({ pod, why }) => `  ${pod.metadata.namespace}/${pod.metadata.name}: ${why}`);
      throw new TimeoutError([error.message, ...told].join("\n"));
    });
  }
}

const isOfDaemonSet = ({ metadata }: Pod): boolean =>
  (metadata.ownerReferences ?? []).some(
    ({ kind, controller }) => kind === "DaemonSet" && controller === true,
  );

/** Why not, if not now. */
async function evict({ metadata }: Pod, client: RestClient): Promise<string | undefined> {
  const { name, namespace, uid } = metadata;
  const eviction = {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace },
    deleteOptions: { preconditions: { uid } },
  };
  try {
    await client.createSubresource(resources.pods, { name, namespace }, "eviction", eviction);
    return undefined;
  } catch (error) {
    if (isNotFound(error) || isConflict(error)) return undefined; // gone, or another of its name
    if (error instanceof ApiError && error.code === 429) return error.message;
    throw error;
  }
}
