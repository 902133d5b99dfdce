import type { RestClient } from "../../client/rest.ts";
import type { Pod } from "../../client/types.ts";
import type { Reader } from "../../client/why/gather.ts";
import type { Verdicts } from "../../client/why/verdicts.ts";
import { judgeNodes } from "../../controlplane/scheduler/verdicts.ts";

/** Reads facts through the API, and asks the scheduler's own filters, which work here. */
export const readerOf = (client: RestClient): Reader => ({
  client,
  logs: (ref, options, signal) => client.logs(ref, options, signal),
  verdicts: (pod, signal) => verdictsOf(client, pod, signal),
});

async function verdictsOf(client: RestClient, pod: Pod, signal: AbortSignal): Promise<Verdicts> {
  const { nowhere, nodes } = await judgeNodes(pod, client, signal);
  return {
    nowhere,
    nodes: nodes.map(({ node, refusal }) => ({
      name: node.name,
      refusal: refusal && { plugin: refusal.plugin, reasons: refusal.reasons },
      allocatable: node.allocatable,
      requested: node.requested,
      pods: node.pods.size,
    })),
  };
}
