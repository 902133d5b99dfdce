import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { resources } from "../../client/resources.ts";
import type { Node } from "../../client/types.ts";

const pollMs = 500;

/** The ranges, one a family, that the controller manager gives this node; waited for. */
export async function podCidrsOf(
  registered: Node,
  { client, os, signal }: { readonly client: ApiClient; readonly os: Os; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const { name } = registered.metadata;
  let node = registered;
  for (let rounds = 0; ; rounds++) {
    const { podCIDR, podCIDRs = podCIDR ? [podCIDR] : [] } = node.spec ?? {};
    if (podCIDRs.length > 0) return podCIDRs;
    if (rounds === 20)
      os.log.warn("waiting for a range of pod addresses (node.spec.podCIDR)", { node: name });
    await sleep(os.clock, pollMs, signal);
    node = await client.get(resources.nodes, { name }, { signal });
  }
}
