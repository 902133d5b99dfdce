import { parse } from "yaml";
import { millionth } from "./tracer.ts";

/** Kubernetes' TracingConfiguration. */
export interface TracingConfig {
  readonly endpoint: string;
  readonly ratePerMillion: number;
}

export const tracingEndpointDefault = "localhost:4317";

export type Collector =
  | { readonly protocol: "http"; readonly url: string }
  | {
      readonly protocol: "grpc";
      readonly place: { readonly host: string; readonly port: number } | { readonly path: string };
    };

/** Where a collector is: `HOST:PORT`, `dns:///HOST:PORT` and `unix:PATH` by gRPC, as Kubernetes has them, and URLs of http and
 *  https, which are ours. Undefined where it is none. */
export function collectorOf(endpoint: string): Collector | undefined {
  if (/^https?:\/\//.test(endpoint)) {
    if (!URL.canParse(endpoint)) return undefined;
    const { username, password, hash, search } = new URL(endpoint);
    return `${username}${password}${hash}${search}` === "" ? { protocol: "http", url: endpoint } : undefined;
  }
  const path = /^unix:(?:\/\/)?(\/.+)$/.exec(endpoint)?.[1];
  if (path !== undefined) return { protocol: "grpc", place: { path } };
  const [, host = "", port = ""] =
    /^(?:dns:(?:\/\/[^/]*)?\/?)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(endpoint) ?? [];
  const number = Number(port);
  if (host === "" || number < 1 || number > 65_535) return undefined;
  return { protocol: "grpc", place: { host: host.replace(/^\[|\]$/g, ""), port: number } };
}

/** A rate and an endpoint as they stand in files and flags, checked; what is wrong is added to `problems`. */
export function tracingConfig(
  {
    endpoint,
    samplingRatePerMillion,
  }: { readonly endpoint?: unknown; readonly samplingRatePerMillion?: unknown },
  problems: string[],
): TracingConfig {
  const place = endpoint ?? tracingEndpointDefault;
  const rate = samplingRatePerMillion ?? 0;
  if (typeof place !== "string" || collectorOf(place) === undefined)
    problems.push(
      `endpoint: ${JSON.stringify(place)} is none of HOST:PORT, dns:///HOST:PORT, unix:PATH (gRPC), http://… and https://… (HTTP)`,
    );
  if (typeof rate !== "number" || !Number.isInteger(rate) || rate < 0 || rate > millionth)
    problems.push(`samplingRatePerMillion: ${JSON.stringify(rate)} is not from 0 to ${millionth}`);
  return { endpoint: String(place), ratePerMillion: Number(rate) };
}

const versions = [
  "apiserver.config.k8s.io/v1",
  "apiserver.config.k8s.io/v1beta1",
  "apiserver.config.k8s.io/v1alpha1",
];

/** Reads a file of `--tracing-config-file`. */
export function readTracingFile(text: string, problems: string[]): TracingConfig | undefined {
  let document: unknown;
  try {
    document = parse(text, { logLevel: "error" });
  } catch (error) {
    problems.push(`no YAML: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    problems.push("not an object");
    return undefined;
  }
  const { apiVersion, kind, endpoint, samplingRatePerMillion, ...rest } = document as Record<string, unknown>;
  if (kind !== "TracingConfiguration" || !versions.includes(String(apiVersion)))
    problems.push(`${apiVersion}, ${kind}: not a TracingConfiguration of ${versions.join(", ")}`);
  for (const name of Object.keys(rest)) problems.push(`${name}: unknown field`);
  return tracingConfig({ endpoint, samplingRatePerMillion }, problems);
}
