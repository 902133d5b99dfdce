import { addressText, parseAddress, parseIpRange, rangeContains } from "../../../base/ip-range.ts";
import type { Pod } from "../../../client/types.ts";
import { type IpFamily, ipFamilies } from "../ip-family.ts";
import { isPort, specialAddress } from "../parsed-input.ts";
import { protocolOf } from "./policy-fields.ts";
import type { NamedPort, PolicyPod } from "./policy-model.ts";

/** What is kept of a pod of another node: some hundred bytes of what may be ten thousand. Pure. */
export function smallPod({ metadata, spec, status, ...rest }: Pod): Pod {
  const { namespace, name, uid, resourceVersion, labels } = metadata;
  const ports = namedPorts(spec).map(({ name, protocol, port }) => ({
    name,
    protocol: protocol.toUpperCase(),
    containerPort: port,
  }));
  const kept = {
    apiVersion: rest.apiVersion,
    kind: rest.kind,
    metadata: { namespace, name, uid, resourceVersion, ...(labels !== undefined && { labels }) },
    spec: {
      ...(spec.nodeName !== undefined && { nodeName: spec.nodeName }),
      containers: ports.length === 0 ? [] : [{ name: "", ports }],
    },
    ...(status?.podIPs !== undefined && { status: { podIPs: status.podIPs } }),
  };
  return kept as Pod;
}

/** A pod of another node by what it reports; `undefined` where it has no address of the family that pods can have. Pure. */
export function peerOf(
  pod: Pod,
  clusterCidr: string | undefined,
  family: IpFamily = ipFamilies[4],
): PolicyPod | undefined {
  const range = parseIpRange(clusterCidr ?? "");
  const addresses = (pod.status?.podIPs ?? []).flatMap(({ ip }) => {
    const parsed = typeof ip === "string" ? parseAddress(ip) : undefined;
    if (parsed?.family !== family.version) return [];
    if (range !== undefined && !rangeContains(range, parsed.family, parsed.value)) return [];
    const address = addressText(parsed.family, parsed.value);
    return specialAddress(address) === undefined ? [address] : [];
  });
  return addresses.length === 0 ? undefined : policyPod(pod, addresses);
}

export function policyPod({ metadata, spec }: Pod, addresses: readonly string[]): PolicyPod {
  const { namespace = "", name = "", labels = {} } = metadata;
  return { namespace, name, labels, addresses, ports: namedPorts(spec) };
}

/** Of its containers, and of those that start first and stay. */
function namedPorts({ containers, initContainers = [] }: Pod["spec"]): readonly NamedPort[] {
  const staying = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...containers, ...staying].flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, protocol: asked, containerPort }): NamedPort[] => {
      const protocol = protocolOf(asked);
      if (!name || protocol === undefined || !isPort(containerPort)) return [];
      return [{ name, protocol, port: containerPort }];
    }),
  );
}
