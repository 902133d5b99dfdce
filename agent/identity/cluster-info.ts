import { X509Certificate } from "node:crypto";
import { parse } from "yaml";
import { parseIpRange } from "../../base/ip-range.ts";
import { clusterInfo } from "../../client/rules/joining-nodes.ts";
import { pinnedCertificates } from "../../client/rules/public-key-pin.ts";

/** What a machine knows of a cluster. */
export interface ClusterInfo {
  /** URLs of the API servers. */
  readonly servers: readonly string[];
  readonly caPem: string;
  readonly podRange: string | undefined;
  readonly serviceRange: string | undefined;
}

const serversMax = 100;

/** The public ConfigMap's data, read as anybody's. Throws an Error that says what is wrong with it. Pure. */
export function readClusterInfo(data: unknown): ClusterInfo {
  const fields = mapping(data);
  const text = fields[clusterInfo.kubeconfigKey];
  if (typeof text !== "string") throw new Error("it has no kubeconfig");
  const [first] = list(mapping(readYaml(text)).clusters);
  const cluster = mapping(mapping(first).cluster);
  const servers = [cluster.server, ...list(cluster.servers)].filter(isServerUrl).slice(0, serversMax);
  if (servers.length === 0) throw new Error("it names no API server");
  const encoded = cluster["certificate-authority-data"];
  const caPem = typeof encoded === "string" ? Buffer.from(encoded, "base64").toString("latin1") : "";
  if (pinnedCertificates(caPem).length === 0) throw new Error("it holds no authority's certificate");
  return {
    servers: [...new Set(servers)],
    caPem,
    podRange: rangesOf(fields[clusterInfo.podRangeKey]),
    serviceRange: rangesOf(fields[clusterInfo.serviceRangeKey]),
  };
}

/** Those of the authorities that were asked for, and no others that came with them. */
export function trustedPem(caPem: string, pins: readonly string[]): string {
  return pinnedCertificates(caPem)
    .filter(({ pin, pem }) => pins.includes(pin) && new X509Certificate(pem).ca)
    .map(({ pem }) => pem)
    .join("");
}

/** The first range of each family, IPv4 before IPv6, as the agent's flags have them; undefined where there is none of IPv4. */
function rangesOf(value: unknown): string | undefined {
  const texts = typeof value === "string" ? value.split(",") : [];
  const [v4, v6] = ([4, 6] as const).map((family) =>
    texts.find((text) => parseIpRange(text)?.family === family),
  );
  return v4 === undefined ? undefined : [v4, v6 ?? []].flat().join(",");
}

function isServerUrl(value: unknown): value is string {
  return typeof value === "string" && /^https:\/\/[^/?#\s@]+$/.test(value) && URL.canParse(value);
}

function readYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch {
    throw new Error("its kubeconfig is no YAML");
  }
}

const mapping = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
