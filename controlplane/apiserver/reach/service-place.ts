import { below, type Random } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import { type LookupDeps, storedObject, storedObjects } from "../admission/stored-lookup.ts";
import { ApiError, serviceUnavailable } from "../api-error.ts";
import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../json.ts";
import { nodeOf, type Place, podAddresses } from "./place.ts";

/** A service as a webhook or an APIService names it. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

/** Where a service is served: one of its ready endpoints, by chance; an ExternalName is its name. Kubernetes' own resolver
 *  with its texts. Fails with 404 for a missing service, with 503 where nobody serves it. */
export async function servicePlace(
  deps: LookupDeps & { readonly random: Random },
  { namespace, name, port }: ServicePort,
): Promise<Place> {
  const service = await storedObject(deps, { group: "", plural: "services", namespace, name });
  if (service === undefined) throw new ApiError(404, "NotFound", `service "${name}" not found`, { name });
  const spec = objectOf((service as unknown as JsonObject).spec);
  const type = stringOf(spec.type);
  if (type === "ExternalName") return { host: stringOf(spec.externalName), port };
  if (!["ClusterIP", "NodePort", "LoadBalancer"].includes(type))
    throw new ApiError(500, "", `unsupported service type "${type}"`);
  const ports = listOf(spec.ports).filter(isObject);
  const found = ports.find((one) => one.port === port);
  if (found === undefined) throw serviceUnavailable(`no service port ${port} found for service "${name}"`);
  const slices = await storedObjects(deps, {
    group: "discovery.k8s.io",
    plural: "endpointslices",
    namespace,
  });
  const own = slices.filter(({ metadata }) => metadata.labels?.["kubernetes.io/service-name"] === name);
  const family = stringOf(listOf(spec.ipFamilies)[0]);
  for (const slice of byFamily(shuffled(own, deps.random), family)) {
    const place = await sliceEndpoint(deps, slice, { namespace, portName: stringOf(found.name) });
    if (place !== undefined) return place;
  }
  throw serviceUnavailable(`no endpoints available for service "${name}"`);
}

/** The service's first family first; the order stays otherwise. */
function byFamily(slices: readonly KubeObject[], family: string): readonly KubeObject[] {
  const isFirst = (slice: KubeObject) => (slice as unknown as JsonObject).addressType === family;
  return [...slices.filter(isFirst), ...slices.filter((slice) => !isFirst(slice))];
}

async function sliceEndpoint(
  deps: LookupDeps & { readonly random: Random },
  slice: KubeObject,
  { namespace, portName }: { readonly namespace: string; readonly portName: string },
): Promise<Place | undefined> {
  const { ports, endpoints } = slice as unknown as JsonObject;
  const named = listOf(ports).filter(isObject);
  const port = named.find((one) => stringOf(one.name) === portName && typeof one.port === "number")?.port;
  if (typeof port !== "number") return undefined;
  const ready = listOf(endpoints)
    .filter(isObject)
    .filter(({ conditions }) => objectOf(conditions).ready !== false);
  const [chosen] = shuffled(ready, deps.random);
  const host = stringOf(listOf(chosen?.addresses)[0]);
  if (chosen === undefined || host === "") return undefined;
  const node = await nodeOfTarget(deps, objectOf(chosen.targetRef), { namespace, host });
  return { host, port, ...(node !== undefined && { node }) };
}

/** The node of the pod that an endpoint stands for, where the pod itself says that the address is its own. */
async function nodeOfTarget(
  deps: LookupDeps,
  target: JsonObject,
  { namespace, host }: { readonly namespace: string; readonly host: string },
): Promise<string | undefined> {
  if (target.kind !== "Pod") return undefined;
  const name = stringOf(target.name);
  const pod = await storedObject(deps, { group: "", plural: "pods", namespace, name });
  if (pod === undefined || !podAddresses(pod).includes(host)) return undefined;
  return nodeOf(pod) || undefined;
}

function shuffled<T>(all: readonly T[], random: Random): readonly T[] {
  const out = [...all];
  for (let last = out.length - 1; last > 0; last--) {
    const at = below(random, last + 1);
    [out[last], out[at]] = [out[at] as T, out[last] as T];
  }
  return out;
}
