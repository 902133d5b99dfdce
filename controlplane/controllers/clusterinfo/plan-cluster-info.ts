import { stringify } from "yaml";
import { clusterInfo } from "../../../client/rules/joining-nodes.ts";
import type { ConfigMap, Endpoints } from "../../../client/types.ts";

export interface ClusterFacts {
  /** URLs of the API servers, in order. */
  readonly servers: readonly string[];
  readonly caPem: string;
  readonly podRanges: readonly string[];
  readonly serviceRanges: readonly string[];
}

/** What the map is to hold; undefined where it does, or where nothing is known yet. Pure. */
export function planClusterInfo(
  map: Pick<ConfigMap, "data"> | undefined,
  { servers, caPem, podRanges, serviceRanges }: ClusterFacts,
): Readonly<Record<string, string>> | undefined {
  const [server] = servers;
  if (server === undefined) return undefined;
  const cluster = {
    server,
    // As in our kubeconfigs: all of the same cluster.
    ...(servers.length > 1 && { servers: [...servers] }),
    "certificate-authority-data": Buffer.from(caPem).toString("base64"),
  };
  const kubeconfig = stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "", cluster }],
    contexts: [],
    "current-context": "",
    users: [],
  });
  const wanted = {
    [clusterInfo.kubeconfigKey]: kubeconfig,
    [clusterInfo.podRangeKey]: podRanges.join(","),
    [clusterInfo.serviceRangeKey]: serviceRanges.join(","),
  };
  const { data = {} } = map ?? {};
  const isSame = Object.entries(wanted).every(([key, value]) => data[key] === value);
  return isSame ? undefined : { ...data, ...wanted };
}

/** As the `kubernetes` Service's endpoints tell. */
export function serverUrls(endpoints: Pick<Endpoints, "subsets"> | undefined): readonly string[] {
  const urls = (endpoints?.subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    addresses.flatMap(({ ip }) =>
      ports.map(({ port }) => `https://${ip.includes(":") ? `[${ip}]` : ip}:${port}`),
    ),
  );
  return [...new Set(urls)].sort();
}
