import { isPort } from "./parsed-input.ts";
import type { ServicePort } from "./service-plan.ts";

/** A flow as the kernel remembers it: where its client sent to, and who answers. */
export interface Flow {
  readonly to: string;
  readonly toPort: number;
  readonly from: string;
  readonly fromPort: number;
}

/** Reads what `conntrack -L -p PROTOCOL` prints. Lines that are no flow are skipped. Pure. */
export function parseFlows(protocol: "udp" | "tcp", listing: string): readonly Flow[] {
  return listing.split("\n").flatMap((line): Flow[] => {
    if (!line.startsWith(protocol)) return [];
    const values = (name: string) =>
      [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, "g"))].map(([, v]) => v);
    // Each stands twice: as the client sent, and as the answer comes.
    const [to] = values("dst");
    const [, from] = values("src");
    const [toPort] = values("dport").map(Number);
    const [, fromPort] = values("sport").map(Number);
    if (to === undefined || from === undefined || !isPort(toPort) || !isPort(fromPort)) return [];
    return [{ to, toPort, from, fromPort }];
  });
}

/** The flows to UDP Services that lead to nobody who serves there: an endpoint that went, or nowhere, because the flow is
 *  older than the endpoints. UDP has no end; while its client goes on sending the kernel would follow its memory. Services
 *  without endpoints are left alone: their packets are refused anyway. Pure. */
export function staleUdpFlows(flows: readonly Flow[], ports: readonly ServicePort[]): readonly Flow[] {
  const byAddress = new Map<string, ReadonlySet<string>>();
  const byNodePort = new Map<number, ReadonlySet<string>>();
  for (const { protocol, port, nodePort, servingEndpoints, ...service } of ports) {
    if (protocol !== "udp" || servingEndpoints.length === 0) continue;
    const serving = new Set(servingEndpoints.map((endpoint) => `${endpoint.address}:${endpoint.port}`));
    for (const ip of [...service.clusterIps, ...service.externalIps, ...service.balancerIps])
      byAddress.set(`${ip}:${port}`, serving);
    if (nodePort !== undefined) byNodePort.set(nodePort, serving);
  }
  const stale = flows.filter(({ to, toPort, from, fromPort }) => {
    const serving = byAddress.get(`${to}:${toPort}`) ?? byNodePort.get(toPort);
    return serving !== undefined && !serving.has(`${from}:${fromPort}`);
  });
  return eachOnce(stale);
}

/** One command forgets all flows alike. */
export const eachOnce = (flows: readonly Flow[]): readonly Flow[] => [
  ...new Map(flows.map((flow) => [Object.values(flow).join(" "), flow])).values(),
];
