import { isNotFound } from "../../../client/api-error.ts";
import type { KubeObject, OwnerReference } from "../../../client/types.ts";
import type { ControllerClient } from "../controller.ts";
import { type Address, foregroundFinalizer } from "./owner-graph.ts";
import type { OwnerState } from "./plan-item.ts";
import type { ServedKinds } from "./served-kinds.ts";

export interface Lookup {
  readonly client: ControllerClient;
  readonly kinds: ServedKinds;
}

/** The object at this address, if it is there and, given a uid, the same one. `unknown`: the kind is not served. */
export async function lookUp(
  { client, kinds }: Lookup,
  address: Address,
  uid: string,
): Promise<KubeObject | "absent" | "unknown"> {
  const resource = kinds.find(address.apiVersion, address.kind);
  if (resource === undefined) return "unknown";
  // An owner in a namespace cannot own what is in none.
  if (resource.namespaced && address.namespace === undefined) return "unknown";
  const namespace = resource.namespaced ? address.namespace : undefined;
  try {
    const found = await client.get(resource, { name: address.name, namespace });
    return found.metadata.uid === uid ? found : "absent";
  } catch (error) {
    if (isNotFound(error)) return "absent";
    throw error;
  }
}

/** Each owner of a dependent in `namespace`, asked of the API. */
export async function ownerStates(
  lookup: Lookup,
  references: readonly OwnerReference[],
  namespace: string | undefined,
): Promise<ReadonlyMap<string, OwnerState>> {
  const states = new Map<string, OwnerState>();
  for (const { apiVersion, kind, name, uid } of references) {
    const found = await lookUp(lookup, { apiVersion, kind, name, namespace }, uid);
    states.set(uid, typeof found === "string" ? found : stateOf(found));
  }
  return states;
}

function stateOf({ metadata }: KubeObject): OwnerState {
  const waits =
    metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(foregroundFinalizer);
  return waits ? "waitingForDependents" : "present";
}
