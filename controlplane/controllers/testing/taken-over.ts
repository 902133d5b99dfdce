import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import type { DaemonSet, Resource, StatefulSet } from "../../../client/types.ts";
import type { TestCluster } from "./cluster.ts";

/** Deletes a set of the namespace `default` without its pods and its history, and makes it anew. Fails unless it takes over both as
 *  they are, once `isWhole` says that all pods are its own. */
export async function assertTakenOver<T extends DaemonSet | StatefulSet>(
  { client, kubectl, until }: TestCluster,
  resource: Resource<T>,
  name: string,
  isWhole: (set: T) => boolean,
): Promise<void> {
  const left = async () => [
    (await client.list(resources.pods)).items.map(({ metadata }) => metadata.uid).sort(),
    (await client.list(resources.controllerrevisions)).items.map(({ metadata }) => metadata.name).sort(),
  ];
  const ref = { namespace: "default", name };
  const { metadata, spec } = await client.get(resource, ref);
  const before = await left();
  await kubectl("delete", resource.plural, name, "--cascade=orphan");
  await client.create(resource, { metadata: ref, spec } as T);
  await until(
    resource,
    "all are its own",
    ([one]) => one !== undefined && one.metadata.uid !== metadata.uid && isWhole(one),
  );
  assert.deepEqual(await left(), before);
  assert.equal((await client.get(resource, ref)).status?.collisionCount ?? 0, 0);
}
