import type { Pod } from "../../client/types.ts";
import { emptyResolvConf, type ResolvConf } from "../dns/resolv-conf.ts";

export interface ClusterDns {
  readonly servers: readonly string[];
  readonly domain: string;
  /** The node's own file, which pods that resolve as the node does are given; empty: they resolve nothing. */
  readonly resolvConf: string;
}

export interface PodDns {
  readonly config: ResolvConf;
  /** What the pod's author should hear, as the kubelet says it. */
  readonly warnings: readonly { readonly reason: string; readonly message: string }[];
}

/** What resolvers take (the kubelet's limits). */
const serversMax = 3;
const searchesMax = 32;
const searchCharsMax = 2048;
const searchOfOneCharsMax = 253;

/** A pod's resolv.conf: `dnsPolicy` says what it begins with, `dnsConfig` adds to that. Pure. */
export function podDns(pod: Pod, cluster: ClusterDns, node: ResolvConf): PodDns {
  const { config, missing } = baseOf(pod, cluster, node);
  const own = pod.spec.dnsConfig ?? {};
  const servers = unique([...config.servers, ...(own.nameservers ?? [])]);
  const searches = unique([...config.searches, ...(own.searches ?? [])]);
  const fitting = fittingSearches(searches);
  const fewer = servers.slice(0, serversMax);
  const cut = (what: string, omitted: string, line: string, applied: readonly string[]) => ({
    reason: "DNSConfigForming",
    message: `${what} limits were exceeded, some ${omitted} have been omitted, the applied ${line} line is: ${applied.join(" ")}`,
  });
  return {
    config: { servers: fewer, searches: fitting, options: mergedOptions(config.options, own.options ?? []) },
    warnings: [
      ...missing,
      ...(fewer.length < servers.length ? [cut("Nameserver", "nameservers", "nameserver", fewer)] : []),
      ...(fitting.length < searches.length ? [cut("Search Line", "search paths", "search", fitting)] : []),
    ],
  };
}

function baseOf(
  { spec, metadata }: Pod,
  cluster: ClusterDns,
  node: ResolvConf,
): { readonly config: ResolvConf; readonly missing: PodDns["warnings"] } {
  const policy = spec.dnsPolicy ?? "ClusterFirst";
  if (policy === "None") return { config: emptyResolvConf, missing: [] };
  const ofNode = cluster.resolvConf === "" ? { servers: ["127.0.0.1"], searches: ["."], options: [] } : node;
  const wantsCluster =
    policy === "ClusterFirstWithHostNet" || (policy === "ClusterFirst" && spec.hostNetwork !== true);
  if (!wantsCluster) return { config: ofNode, missing: [] };
  if (cluster.servers.length === 0) {
    const { namespace, name, uid } = metadata;
    const message = `pod: "${name}_${namespace}(${uid})". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.`;
    return { config: ofNode, missing: [{ reason: "MissingClusterDNS", message }] };
  }
  const { domain } = cluster;
  return {
    config: {
      servers: cluster.servers,
      searches: unique([`${metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain, ...node.searches]),
      options: ["ndots:5"],
    },
    missing: [],
  };
}

/** One too long makes some resolvers give up altogether: those go first, then the last ones until the line fits. */
function fittingSearches(searches: readonly string[]): readonly string[] {
  const fitting = searches.slice(0, searchesMax).filter((one) => one.length <= searchOfOneCharsMax);
  while (fitting.join(" ").length > searchCharsMax) fitting.pop();
  return fitting;
}

/** An option that the pod gives takes the place of the same one. */
function mergedOptions(
  base: readonly string[],
  own: NonNullable<NonNullable<Pod["spec"]["dnsConfig"]>["options"]>,
): readonly string[] {
  const merged = new Map(base.map((option) => [option.split(":")[0] ?? "", option]));
  for (const { name = "", value } of own) merged.set(name, value ? `${name}:${value}` : name);
  return [...merged.values()];
}

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)];
