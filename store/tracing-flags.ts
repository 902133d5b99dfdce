import type { FlagTable, FlagValues } from "../base/os/flags.ts";
import { collectorOf, type TracingConfig, tracingEndpointDefault } from "../base/tracing/config.ts";
import { millionth } from "../base/tracing/tracer.ts";

const before = <const K extends "boolean" | "string" | "integer">(kind: K, name: string) =>
  ({ kind, help: `the same as --${name}`, hidden: true, sameAs: name }) as const;

/** etcd's flags, and what they were called while they were experimental. */
export const tracingFlagRows = {
  "enable-distributed-tracing": {
    kind: "boolean",
    help: "send spans of requests to a collector, by OTLP",
    default: false,
  },
  "distributed-tracing-address": {
    kind: "string",
    help: "the collector: HOST:PORT (gRPC), or an http:// or https:// URL",
    default: tracingEndpointDefault,
    value: "ADDRESS",
  },
  "distributed-tracing-service-name": {
    kind: "string",
    help: "service.name of the spans, the same for all members",
    default: "etcd",
    value: "NAME",
  },
  "distributed-tracing-instance-id": {
    kind: "string",
    help: "service.instance.id of the spans, which tells members apart",
    default: "",
    value: "ID",
  },
  "distributed-tracing-sampling-rate": {
    kind: "integer",
    help: "of how many requests in a million, where the client does not say",
    default: 0,
    value: "PER-MILLION",
  },
  "experimental-enable-distributed-tracing": before("boolean", "enable-distributed-tracing"),
  "experimental-distributed-tracing-address": before("string", "distributed-tracing-address"),
  "experimental-distributed-tracing-service-name": before("string", "distributed-tracing-service-name"),
  "experimental-distributed-tracing-instance-id": before("string", "distributed-tracing-instance-id"),
  "experimental-distributed-tracing-sampling-rate": before("integer", "distributed-tracing-sampling-rate"),
} as const satisfies FlagTable;

export interface StoreTracing extends TracingConfig {
  readonly serviceName: string;
  readonly instanceId: string;
}

/** Undefined: nothing is traced. Throws for what is no address or no rate. */
export function storeTracing(flags: FlagValues<typeof tracingFlagRows>): StoreTracing | undefined {
  const endpoint = flags["distributed-tracing-address"];
  const ratePerMillion = flags["distributed-tracing-sampling-rate"];
  if (ratePerMillion < 0 || ratePerMillion > millionth)
    throw new Error(`--distributed-tracing-sampling-rate: ${ratePerMillion} must be from 0 to ${millionth}`);
  if (collectorOf(endpoint) === undefined)
    throw new Error(
      `--distributed-tracing-address: ${JSON.stringify(endpoint)} is none of HOST:PORT, dns:///HOST:PORT, unix:PATH, http://… and https://…`,
    );
  if (!flags["enable-distributed-tracing"]) return undefined;
  return {
    endpoint,
    ratePerMillion,
    serviceName: flags["distributed-tracing-service-name"],
    instanceId: flags["distributed-tracing-instance-id"],
  };
}
