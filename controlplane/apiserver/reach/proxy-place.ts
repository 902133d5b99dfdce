import { below } from "../../../base/os/random.ts";
import { storedObject } from "../admission/stored-lookup.ts";
import { badRequest, notFound, serviceUnavailable } from "../api-error.ts";
import type { ResourceInfo } from "../filters/request-info.ts";
import { isObject, type JsonObject, listOf, objectOf, stringOf } from "../json.ts";
import { isAllowedAddress } from "./allowed-address.ts";
import type { DialerDeps } from "./dialer.ts";
import { nodeAddress } from "./node-address.ts";
import { nodeOf, type Place, podAddresses } from "./place.ts";

/** What a proxied request goes to. */
export interface ProxyPlace {
  readonly isTls: boolean;
  readonly place: Place;
  /** A node's agent, which is shown who we are. */
  readonly isAgent: boolean;
}

/** `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT` of pods, services and nodes, as Kubernetes resolves them. Fails with its
 *  refusals. */
export async function proxyPlace(target: ResourceInfo, deps: DialerDeps): Promise<ProxyPlace> {
  const { plural, namespace } = target;
  const asked = schemeNamePort(target.name);
  const singular = plural.slice(0, -1);
  if (asked === undefined) throw badRequest(`invalid ${singular} request ${JSON.stringify(target.name)}`);
  const isTls = asked.scheme === "https";
  const withPort = (port: string) => (port === "" ? (isTls ? 443 : 80) : portOf(port));
  if (plural === "nodes") {
    const agent = await nodeAddress(deps, asked.name);
    const isAgent = asked.port === "" || asked.port === String(agent.port);
    // Where everything is on one machine the agent is on its loopback; nothing else there is anybody's.
    if (!isAllowedAddress(agent.host, { loopbackEndpoints: deps.facts.loopbackEndpoints && isAgent }))
      throw badRequest("address not allowed");
    if (isAgent) return { isTls: true, place: agent, isAgent };
    return { isTls, place: { host: agent.host, port: withPort(asked.port) }, isAgent };
  }
  if (plural === "services")
    return { isTls, place: await servicePod(asked, { id: target.name, namespace }, deps), isAgent: false };
  const pod = await storedObject(deps, { group: "", plural: "pods", namespace, name: asked.name });
  if (pod === undefined) throw notFound({ group: "", plural: "pods" }, asked.name);
  const [host = ""] = podAddresses(pod);
  if (!isAllowedAddress(host, deps.facts)) throw badRequest("address not allowed");
  const containers = listOf(objectOf((pod as unknown as JsonObject).spec).containers).filter(isObject);
  const [first] = containers.flatMap(({ ports }) => listOf(ports).filter(isObject));
  const port = asked.port === "" ? String(first?.containerPort ?? "") : asked.port;
  return { isTls, place: { host, port: withPort(port), node: nodeOf(pod) }, isAgent: false };
}

interface AskedName {
  readonly scheme: string;
  readonly name: string;
  readonly port: string;
}

function schemeNamePort(id: string): AskedName | undefined {
  const parts = id.split(":");
  if (parts.length > 3) return undefined;
  const [scheme = "", name = "", port = ""] = parts.length === 3 ? parts : ["", ...parts];
  return name !== "" && ["", "http", "https"].includes(scheme) ? { scheme, name, port } : undefined;
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port >= 0 && port < 65_536) return port;
  throw serviceUnavailable(`error trying to reach service: dial tcp: lookup tcp/${text}: unknown port`);
}

/** One of the pods behind a service, by chance: only endpoints that are pods are proxied to. */
async function servicePod(
  { name, port }: AskedName,
  { id, namespace }: { readonly id: string; readonly namespace: string },
  deps: DialerDeps,
): Promise<Place> {
  let portName = port;
  if (/^[-+]?\d+$/.test(port)) {
    const service = await storedObject(deps, { group: "", plural: "services", namespace, name });
    if (service === undefined) throw notFound({ group: "", plural: "services" }, name);
    const ports = listOf(objectOf((service as unknown as JsonObject).spec).ports).filter(isObject);
    const found = ports.find((one) => one.port === Number(port));
    if (found === undefined)
      throw serviceUnavailable(`no service port ${Number(port)} found for service ${JSON.stringify(name)}`);
    portName = stringOf(found.name);
  }
  const endpoints = await storedObject(deps, { group: "", plural: "endpoints", namespace, name });
  // Kubernetes says the same of a service without endpoints.
  if (endpoints === undefined) throw notFound({ group: "", plural: "services" }, name);
  const subsets = listOf((endpoints as unknown as JsonObject).subsets).filter(isObject);
  if (subsets.length === 0)
    throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  for (const subset of turned(subsets, deps)) {
    const found = listOf(subset.ports)
      .filter(isObject)
      .find((one) => stringOf(one.name) === portName);
    if (typeof found?.port !== "number") continue;
    for (const address of turned(listOf(subset.addresses).filter(isObject), deps)) {
      const node = await nodeOfEndpoint(address, namespace, deps);
      if (node !== undefined) return { host: stringOf(address.ip), port: found.port, node };
    }
  }
  throw serviceUnavailable(`no endpoints available for service ${JSON.stringify(id)}`);
}

/** The same in the same order, from a place of chance on. */
function turned<T>(all: readonly T[], { random }: Pick<DialerDeps, "random">): readonly T[] {
  const at = all.length === 0 ? 0 : below(random, all.length);
  return [...all.slice(at), ...all.slice(0, at)];
}

/** Undefined: the endpoint is no pod of the namespace, or the pod does not have the address. */
async function nodeOfEndpoint(
  address: JsonObject,
  namespace: string,
  deps: DialerDeps,
): Promise<string | undefined> {
  const target = objectOf(address.targetRef);
  if (target.namespace !== namespace) return undefined;
  const pod = await storedObject(deps, { group: "", plural: "pods", namespace, name: stringOf(target.name) });
  return pod !== undefined && podAddresses(pod).includes(stringOf(address.ip)) ? nodeOf(pod) : undefined;
}
