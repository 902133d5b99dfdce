import type { KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import { type JsonObject, listOf, objectOf, toKubeObject } from "../json.ts";
import { createObject } from "../registry/create-object.ts";
import { sameJson } from "../registry/object-meta.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { removeObject } from "../registry/remove-object.ts";
import { listPrefix, objectKey } from "../registry/stored-object.ts";
import { updateObject } from "../registry/update-object.ts";
import type { ApiAddress } from "./own-address.ts";
import { together } from "./together.ts";

const leasePrefix = "/registry/masterleases/";
/** A server that has not renewed for so long is taken for dead. */
const leaseSeconds = 20;
const encoder = new TextEncoder();
const serviceName = "kubernetes";
const namespace = "default";
const serviceLabel = { "kubernetes.io/service-name": serviceName };

const leaseKey = ({ ip, port }: ApiAddress) => `${leasePrefix}${ip}:${port}`;

/** Says that this server lives: a key that the store drops unless it is written again in time. */
export async function leaseEndpoint({ storage }: RegistryDeps, address: ApiAddress): Promise<void> {
  const value = encoder.encode(JSON.stringify(address));
  await storage.commit({
    compare: [],
    writes: [{ type: "put", key: leaseKey(address), value, ttlSeconds: leaseSeconds }],
  });
}

/** A server that stops in good order, or is reached elsewhere, goes at once. */
export async function withdrawEndpoint(registry: RegistryDeps, address: ApiAddress): Promise<void> {
  await registry.storage.commit({ compare: [], writes: [{ type: "delete", key: leaseKey(address) }] });
  await publishEndpoints(registry);
}

/** Has the Service tell the port of a server that listens later than the Service was made. */
export async function tellPort(registry: RegistryDeps, targetPort: number): Promise<void> {
  const kind = registry.kinds.named("", "services")?.kind;
  if (kind === undefined) return;
  const change = (current: KubeObject): KubeObject => {
    const spec = objectOf(current.spec);
    const ports = listOf(spec.ports).map((port) => ({ ...objectOf(port), targetPort }));
    return { ...current, spec: { ...spec, ports } };
  };
  const how = { dryRun: false, via: "server", by: serverRequester } as const;
  await updateObject(registry, kind, { namespace, name: serviceName }, change, how).catch(
    (error: unknown) => {
      // Somebody deleted it.
      if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    },
  );
}

/** Brings Endpoints and EndpointSlices of the `kubernetes` Service in line with the servers that live. */
export async function publishEndpoints(registry: RegistryDeps): Promise<void> {
  const { entries } = await registry.storage.list(leasePrefix);
  const addresses = entries.map(({ key }) => parseAddress(key.slice(leasePrefix.length)));
  const byPort = new Map<number, string[]>();
  for (const { ip, port } of addresses) byPort.set(port, [...(byPort.get(port) ?? []), ip]);
  const groups = [...byPort].sort(([a], [b]) => a - b);
  const subsets = groups.map(([port, ips]) => ({
    addresses: ips.map((ip) => ({ ip })),
    ports: [{ name: "https", port, protocol: "TCP" }],
  }));
  const endpoints = put(
    registry,
    ["", "endpoints"],
    {
      apiVersion: "v1",
      kind: "Endpoints",
      metadata: {
        name: serviceName,
        namespace,
        labels: { "endpointslice.kubernetes.io/skip-mirror": "true" },
      },
      subsets: subsets.length > 0 ? subsets : undefined,
    },
    subsets.length > 0,
  );
  // A slice has one set of ports for all its addresses: servers on different ports need a slice each.
  const slices = groups.map(([port, ips], at) =>
    slice(at === 0 ? serviceName : `${serviceName}-${port}`, port, ips),
  );
  await together([
    endpoints,
    ...slices.map((one) => put(registry, ["discovery.k8s.io", "endpointslices"], one, true)),
  ]);
  await removeOtherSlices(registry, new Set(slices.map((one) => String(objectOf(one.metadata).name))));
}

function parseAddress(text: string): ApiAddress {
  const colon = text.lastIndexOf(":");
  return { ip: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

function slice(name: string, port: number, ips: readonly string[]): JsonObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace, labels: serviceLabel },
    // All servers are of the family of the Service's own address.
    addressType: ips.some((ip) => ip.includes(":")) ? "IPv6" : "IPv4",
    endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
    ports: [{ name: "https", port, protocol: "TCP" }],
  };
}

/** @param isMade It is created where it is not there. */
async function put(
  registry: RegistryDeps,
  [group, plural]: readonly [group: string, plural: string],
  wanted: JsonObject,
  isMade: boolean,
): Promise<void> {
  const kind = registry.kinds.named(group, plural)?.kind;
  if (kind === undefined) return;
  const object = toKubeObject(wanted);
  const { name } = object.metadata;
  const { metadata: _, ...content } = object;
  // Every server sees to this every few seconds: the cache tells for nothing that all is well, as it nearly always is.
  const cached = registry.hub.peek(kind)?.get(objectKey(kind, namespace, name))?.object;
  if (cached !== undefined && sameJson({ ...cached, ...content }, cached)) return;
  try {
    await updateObject(
      registry,
      kind,
      { namespace, name },
      (current) => ({ ...current, ...structuredClone(content) }),
      { dryRun: false, via: "server", by: serverRequester },
    );
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    if (!isMade) return;
    await createObject(registry, kind, object, { dryRun: false, by: serverRequester });
  }
}

async function removeOtherSlices(registry: RegistryDeps, kept: ReadonlySet<string>): Promise<void> {
  const kind = registry.kinds.named("discovery.k8s.io", "endpointslices")?.kind;
  if (kind === undefined) return;
  const prefix = listPrefix(kind, namespace);
  const cache = registry.hub.peek(kind);
  const found = cache?.list(prefix) ?? (await registry.storage.list(prefix)).entries;
  for (const { key } of found) {
    const name = key.slice(prefix.length);
    // Only names of our own making; a user's slice may begin with the same word.
    if (!/^kubernetes(-\d+)?$/.test(name) || kept.has(name)) continue;
    try {
      await removeObject(
        registry,
        kind,
        { namespace, name },
        { dryRun: false, propagationPolicy: "Background", by: serverRequester },
      );
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    }
  }
}
