import { writeFileSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import type { ClusterPlan } from "./cluster-state.ts";
import type { Layout } from "./layout.ts";

export const upTracingFlags = {
  "tracing-endpoint": {
    kind: "string",
    value: "URL",
    help: "send spans of what becomes of objects there, by OTLP: http://localhost:4318 (HTTP) or localhost:4317 (gRPC); empty ends it",
  },
  "tracing-sampling-rate": {
    kind: "integer",
    default: 1_000_000,
    value: "PER-MILLION",
    help: "of how many requests in a million",
  },
} as const;

export type TracingPlan = NonNullable<ClusterPlan["tracing"]>;

/** Undefined where nothing is said, so that what was said before holds. Throws UsageError. */
export async function tracingPlan(
  given: { readonly "tracing-endpoint": string | undefined; readonly "tracing-sampling-rate": number },
  said: ReadonlySet<string>,
): Promise<TracingPlan | undefined> {
  const { "tracing-endpoint": endpoint = "", "tracing-sampling-rate": samplingRatePerMillion } = given;
  if (!said.has("tracing-endpoint")) {
    if (said.has("tracing-sampling-rate"))
      throw new UsageError("--tracing-sampling-rate: needs --tracing-endpoint");
    return undefined;
  }
  if (endpoint === "") return "off";
  const { tracingConfig } = await import("../../base/tracing/config.ts");
  const problems: string[] = [];
  tracingConfig({ endpoint, samplingRatePerMillion }, problems);
  if (problems.length > 0)
    throw new UsageError(
      problems.map((problem) => `--tracing-endpoint, --tracing-sampling-rate: ${problem}`).join("\n"),
    );
  return { endpoint, samplingRatePerMillion };
}

/** Where the parts on this machine, and those on its nodes, read where their spans go. */
const files = (layout: Pick<Layout, "folder">) => ({
  here: join(layout.folder, "tracing.yaml"),
  nodes: join(layout.folder, "tracing-nodes.yaml"),
});

export function tracingWords(
  { tracing = "off" }: Pick<ClusterPlan, "tracing">,
  layout: Pick<Layout, "folder">,
  where: "here" | "nodes",
): readonly string[] {
  return tracing === "off" ? [] : [`--tracing-config-file=${files(layout)[where]}`];
}

/** A member of the store tells of what is part of others' traces; what it does for itself begins none. */
export function storeTracingWords(
  { tracing = "off" }: Pick<ClusterPlan, "tracing">,
  member: string,
): readonly string[] {
  if (tracing === "off") return [];
  return [
    "--enable-distributed-tracing",
    `--distributed-tracing-address=${tracing.endpoint}`,
    `--distributed-tracing-instance-id=${member}`,
  ];
}

export interface LocalTracing {
  close(): void;
}

/** Writes what the parts read. Nodes have a loopback of their own: to a collector on this machine's they come over the bridge.
 *  @param bridgeAddress Absent: nodes have no network of their own. */
export async function prepareTracing(
  { tracing = "off" }: Pick<ClusterPlan, "tracing">,
  layout: Pick<Layout, "folder">,
  bridgeAddress: string | undefined,
): Promise<LocalTracing> {
  if (tracing === "off") return { close: () => {} };
  const { endpoint, samplingRatePerMillion } = tracing;
  const { here, nodes } = files(layout);
  const { collectorOf } = await import("../../base/tracing/config.ts");
  const place = loopbackPlace(collectorOf(endpoint));
  write(here, { endpoint, samplingRatePerMillion });
  if (bridgeAddress === undefined || place === undefined) {
    write(nodes, { endpoint, samplingRatePerMillion });
    return { close: () => {} };
  }
  const relay = await startRelay(bridgeAddress, place.port);
  write(nodes, {
    endpoint: endpoint.replace(place.text, `${bridgeAddress}:${relay.port}`),
    samplingRatePerMillion,
  });
  return relay;
}

function write(path: string, config: Exclude<TracingPlan, "off">): void {
  const document = { apiVersion: "apiserver.config.k8s.io/v1", kind: "TracingConfiguration", ...config };
  writeFileSync(path, `${JSON.stringify(document, undefined, 2)}\n`, { mode: 0o600 });
}

type Collector = ReturnType<typeof import("../../base/tracing/config.ts").collectorOf>;

/** Its port where it is on this machine's loopback, and how the endpoint writes the place. */
function loopbackPlace(collector: Collector): { readonly text: string; readonly port: number } | undefined {
  if (collector?.protocol === "grpc" && "host" in collector.place) {
    const { host, port } = collector.place;
    return isLoopback(host)
      ? { text: `${host.includes(":") ? `[${host}]` : host}:${port}`, port }
      : undefined;
  }
  if (collector?.protocol !== "http") return undefined;
  const { hostname, host, port, protocol } = new URL(collector.url);
  // What is encrypted is for the name that it names.
  if (protocol !== "http:" || !isLoopback(hostname.replace(/^\[|\]$/g, ""))) return undefined;
  return { text: host, port: Number(port || 80) };
}

const isLoopback = (host: string) =>
  host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);

/** Bytes from the nodes to a port of this machine's loopback, and back. */
async function startRelay(address: string, port: number): Promise<LocalTracing & { readonly port: number }> {
  const open = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect({ host: "localhost", port });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => open.delete(one) && other.destroy());
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, address, resolve);
  });
  server.unref();
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : 0,
    close: () => {
      server.close();
      for (const one of open) one.destroy();
    },
  };
}
