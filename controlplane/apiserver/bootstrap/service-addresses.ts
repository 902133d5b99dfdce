import { canonicalAddress, type IpRange, ipRangeText } from "../../../base/ip-range.ts";
import type { KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import { type JsonObject, listOf, objectOf } from "../json.ts";
import { addressObject, managedByAllocator, managedByLabel } from "../registry/address-objects.ts";
import { createObject } from "../registry/create-object.ts";
import { rfc3339 } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { removeObject } from "../registry/remove-object.ts";
import { addressesOf, wantsIp } from "../registry/service-claims.ts";
import { listPrefix } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";

export const networking = "networking.k8s.io";
const defaultName = "kubernetes";

/** The ServiceCIDR of the ranges that this server hands out addresses of. */
export function serviceRange(ranges: readonly IpRange[]): JsonObject {
  const metadata = { name: defaultName };
  const cidrs = ranges.map(ipRangeText);
  return { apiVersion: `${networking}/v1`, kind: "ServiceCIDR", metadata, spec: { cidrs } };
}

const rangeManager = "kubernetes-service-cidr-controller";

/** It is ready, unless somebody said something of it. */
export async function readyServiceRange(registry: RegistryDeps, ranges: readonly IpRange[]): Promise<void> {
  const kind = registry.kinds.named(networking, "servicecidrs")?.kind;
  if (kind === undefined) return;
  const change = (current: KubeObject): KubeObject => {
    const { cidrs } = objectOf(current.spec);
    const conditions = listOf(objectOf(current.status).conditions).map(objectOf);
    const known = conditions.some(({ type, status }) => type === "Ready" && status !== "Unknown");
    if (known || current.metadata.deletionTimestamp !== undefined) return current;
    // Another server's ranges: it says itself whether they are ready.
    if (listOf(cidrs).join() !== ranges.map(ipRangeText).join()) return current;
    const ready = {
      type: "Ready",
      status: "True",
      lastTransitionTime: rfc3339(registry.clock.wallMs()),
      message: "Kubernetes default Service CIDR is ready",
    };
    return registry.applyOwn(current, { manager: rangeManager, status: { conditions: [ready] } });
  };
  const address = { namespace: "", name: defaultName };
  await updateObject(registry, kind, address, change, {
    dryRun: false,
    via: "server",
    by: serverRequester,
  });
}

/** Makes the IPAddress of a service that lacks it – somebody deleted it, or it is older than such objects – and takes away
 *  those of services that are gone. */
export async function repairAddresses(registry: RegistryDeps): Promise<void> {
  const kind = registry.kinds.named(networking, "ipaddresses")?.kind;
  const services = registry.kinds.named("", "services")?.kind;
  if (kind === undefined || services === undefined) return;
  // In this order: what has an owner in the newer list is no orphan.
  const shown = (await registry.hub.consistent(kind)).list(listPrefix(kind, ""));
  const present = new Map(shown.map(({ object }) => [object.metadata.name, object]));
  const owners = new Map<string, KubeObject>();
  for (const { object } of (await registry.hub.consistent(services)).list(listPrefix(services, ""))) {
    const spec = objectOf(object.spec);
    if (!wantsIp(spec)) continue;
    for (const address of addressesOf(spec)) owners.set(canonicalAddress(address) ?? address, object);
  }
  const by = { dryRun: false, by: serverRequester } as const;
  for (const [address, owner] of owners)
    if (!present.has(address))
      await unless("AlreadyExists", createObject(registry, kind, addressObject(address, owner), by));
  for (const [name, { metadata }] of present) {
    if (owners.has(name) || metadata.labels?.[managedByLabel] !== managedByAllocator) continue;
    const options = { ...by, propagationPolicy: "Background", preconditions: { uid: metadata.uid } } as const;
    await unless("NotFound", removeObject(registry, kind, { namespace: "", name }, options));
  }
}

/** Somebody else was faster. */
async function unless(reason: string, done: Promise<unknown>): Promise<void> {
  try {
    await done;
  } catch (error) {
    if (!(error instanceof ApiError) || (error.reason !== reason && error.reason !== "Conflict")) throw error;
  }
}
