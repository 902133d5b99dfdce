import type { RestClient } from "../client/rest.ts";
import type { KubeObject } from "../client/types.ts";
import { discover } from "../controlplane/controllers/discovery.ts";

/** Measured, not stored; or told about what happened. */
const isLeftOut = (group: string, plural: string): boolean =>
  group === "metrics.k8s.io" || group === "events.k8s.io" || plural === "events";

/** All objects that a cluster has, events aside, sorted: `plural.group namespace/name`. */
export async function objectsOf(client: RestClient): Promise<readonly string[]> {
  const { resources, failures } = await discover(client, new AbortController().signal);
  if (failures.length > 0) throw new Error(`not served: ${JSON.stringify(failures)}`);
  const listed = resources.filter(
    ({ verbs, group, plural }) => verbs.includes("list") && !isLeftOut(group, plural),
  );
  const found: string[] = [];
  for (const resource of listed) {
    const { items } = await client.list<KubeObject>(resource);
    for (const { metadata } of items)
      found.push(`${resource.plural}.${resource.group} ${metadata.namespace ?? ""}/${metadata.name}`);
  }
  return found.sort();
}
