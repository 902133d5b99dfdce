import type { EndpointSlice } from "../../client/types.ts";
import { type AddressFault, addressesOf, isPort, specialAddress } from "./parsed-input.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly isLocal: boolean;
}

/** A Service port's endpoints, by what may be sent to them. */
export interface EndpointChoice {
  /** Anywhere in the cluster, or those near this node where the Service prefers them. Ready ones; where there are none, those
   *  that still serve while they terminate (KEP-1669). */
  readonly clusterEndpoints: readonly Endpoint[];
  /** The same, counting only those on this node. */
  readonly localEndpoints: readonly Endpoint[];
  readonly readyEndpoints: readonly Endpoint[];
  /** All that still answer: a client that talks to one of them is left alone. */
  readonly servingEndpoints: readonly Endpoint[];
}

/** The node that a plan is for. */
export interface NodeView {
  readonly nodeName: string;
  /** The one whose rules these are; IPv4 where it is not said. */
  readonly family?: 4 | 6;
  readonly zone: string | undefined;
  /** Pods are processes at loopback addresses of this machine. */
  readonly loopbackPods: boolean;
  /** An address that the node answers at itself. */
  readonly dnsAddress?: string;
}

interface Found {
  readonly endpoint: Endpoint;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly forNodes: readonly string[];
  readonly forZones: readonly string[];
}

/** Reads a Service's slices. An endpoint that stands in two of them counts once. Pure. */
export function endpointsOf(
  slices: readonly EndpointSlice[],
  port: NodeView & { readonly name: string; readonly protocol: string },
  fault: AddressFault,
): EndpointChoice {
  const found = new Map<string, Found>();
  for (const slice of slices) {
    const slicePort = (slice.ports ?? []).find(
      ({ name, protocol }) =>
        (name ?? "") === port.name && (protocol ?? "TCP").toLowerCase() === port.protocol,
    )?.port;
    if (slicePort === undefined || slicePort === null) continue;
    const where = `EndpointSlice ${slice.metadata.name}`;
    if (!isPort(slicePort)) {
      fault(`${where}: ports`, slicePort, "is not a port");
      continue;
    }
    for (const [at, { addresses, conditions, nodeName, hints }] of (slice.endpoints ?? []).entries()) {
      // The others are for people; every proxy of Kubernetes takes the first.
      const field = `${where}: endpoints[${at}].addresses`;
      const [address] = addressesOf(port.family ?? 4, field, (addresses ?? []).slice(0, 1), fault);
      if (address === undefined) continue;
      const special = specialAddress(address);
      if (special !== undefined && !(port.loopbackPods && address.startsWith("127."))) {
        fault(field, address, special);
        continue;
      }
      const one: Found = {
        endpoint: { address, port: slicePort, isLocal: nodeName === port.nodeName },
        ready: conditions?.ready !== false,
        serving: conditions?.serving !== false,
        terminating: conditions?.terminating === true,
        forNodes: (hints?.forNodes ?? []).map(({ name }) => name),
        forZones: (hints?.forZones ?? []).map(({ name }) => name),
      };
      const key = `${address}:${slicePort}`;
      if (found.get(key)?.ready !== true) found.set(key, one);
    }
  }
  const all = [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  const ready = all.filter((one) => one.ready);
  const leaving = all.filter((one) => !one.ready && one.serving && one.terminating);
  const first = (...choices: readonly (readonly Found[])[]) =>
    (choices.find((choice) => choice.length > 0) ?? []).map(plain);
  const local = (list: readonly Found[]) => list.filter(({ endpoint }) => endpoint.isLocal);
  return {
    clusterEndpoints: first(near(ready, port), leaving),
    localEndpoints: first(local(ready), local(leaving)),
    readyEndpoints: first(ready),
    servingEndpoints: first(all.filter((one) => one.ready || one.serving)),
  };
}

/** Those meant for this node, or else for its zone, where every ready endpoint says whom it is meant for; otherwise all. */
function near(ready: readonly Found[], { nodeName, zone }: NodeView): readonly Found[] {
  const forNode = ready.filter(({ forNodes }) => forNodes.includes(nodeName));
  if (forNode.length > 0 && ready.every(({ forNodes }) => forNodes.length > 0)) return forNode;
  const forZone = ready.filter(({ forZones }) => zone !== undefined && forZones.includes(zone));
  return forZone.length > 0 && ready.every(({ forZones }) => forZones.length > 0) ? forZone : ready;
}

const plain = ({ endpoint }: Found): Endpoint => endpoint;
