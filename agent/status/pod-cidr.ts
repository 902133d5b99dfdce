import { sleep } from "../../base/os/clock.ts";
import type { Os } from "../../base/os/os.ts";
import type { ApiClient } from "../../client/api.ts";
import { resources } from "../../client/resources.ts";
import type { Node } from "../../client/types.ts";

const pollMs = 500;

/** The range that the controller manager gives this node; waited for. */
export async function podCidrOf(
  registered: Node,
  { client, os, signal }: { readonly client: ApiClient; readonly os: Os; readonly signal: AbortSignal },
): Promise<string> {
  const { name } = registered.metadata;
  let node = registered;
  for (let rounds = 0; ; rounds++) {
    const cidr = node.spec?.podCIDR;
    if (cidr) return cidr;
    if (rounds === 20)
      os.log.warn("waiting for a range of pod addresses (node.spec.podCIDR)", { node: name });
    await sleep(os.clock, pollMs, signal);
    node = await client.get(resources.nodes, { name }, { signal });
  }
}
