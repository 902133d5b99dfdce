import { readFileSync } from "node:fs";
import { type FileSection, type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import type { ClientTls } from "../client/grpc/dial.ts";

/** etcd's flags that say where the members of a new cluster are found. */
export const discoveryFlagRows = {
  "discovery-token": { kind: "string", help: "name of the cluster at the discovery service", default: "" },
  "discovery-endpoints": {
    kind: "list",
    help: "an etcd where the members of a new cluster find each other",
    default: [],
    value: "URLS",
  },
  "discovery-request-timeout": {
    kind: "goDuration",
    help: "time for each request to the discovery service",
    default: 5_000,
    value: "DURATION",
  },
  "discovery-insecure-transport": {
    kind: "boolean",
    help: "ask discovery endpoints without a scheme by plain TCP",
    default: true,
  },
  "discovery-insecure-skip-tls-verify": {
    kind: "boolean",
    help: "take any certificate of the discovery service",
    default: false,
  },
  "discovery-cert": { kind: "string", help: "certificate for the discovery service, PEM", value: "FILE" },
  "discovery-key": { kind: "string", help: "private key of --discovery-cert, PEM", value: "FILE" },
  "discovery-cacert": { kind: "string", help: "authority of the discovery service, PEM", value: "FILE" },
  "discovery-srv": { kind: "string", help: "DNS domain whose SRV records name the members", default: "" },
  "discovery-srv-name": {
    kind: "string",
    help: "suffix of the services looked up: _etcd-server-NAME and _etcd-server-ssl-NAME",
    default: "",
  },
} as const satisfies FlagTable;

/** What stands for them in etcd's configuration file, and for two that the store refuses. */
export const discoveryFileSection = {
  token: "discovery-token",
  client: {
    endpoints: "discovery-endpoints",
    "request-timeout": "discovery-request-timeout",
    "dial-timeout": "discovery-dial-timeout",
    "keepalive-time": "discovery-keepalive-time",
    "keepalive-timeout": "discovery-keepalive-timeout",
    secure: {
      cert: "discovery-cert",
      key: "discovery-key",
      cacert: "discovery-cacert",
      "insecure-transport": "discovery-insecure-transport",
      "insecure-skip-tls-verify": "discovery-insecure-skip-tls-verify",
    },
    auth: { username: "discovery-user", password: "discovery-password" },
  },
} as const satisfies FileSection;

export type Discovery =
  | {
      readonly kind: "token";
      readonly token: string;
      readonly endpoints: readonly string[];
      readonly requestMs: number;
      readonly tls: ClientTls | undefined;
    }
  | { readonly kind: "srv"; readonly domain: string; readonly serviceSuffix: string };

/** Undefined where flags list the members. Throws UsageError in etcd's words for what does not go together. */
export function discoveryOf(
  flags: FlagValues<typeof discoveryFlagRows>,
  isClusterGiven: boolean,
): Discovery | undefined {
  const { "discovery-token": token, "discovery-endpoints": endpoints, "discovery-srv": domain } = flags;
  if ([isClusterGiven, domain !== "", endpoints.length > 0].filter(Boolean).length > 1)
    throw new UsageError(
      'multiple discovery or bootstrap flags are set. Choose one of "initial-cluster", "discovery-endpoints" or "discovery-srv"',
    );
  if ((token !== "") !== endpoints.length > 0)
    throw new UsageError("both --discovery-token and --discovery-endpoints must be set");
  if (domain !== "") {
    const name = flags["discovery-srv-name"];
    return { kind: "srv", domain, serviceSuffix: name === "" ? "" : `-${name}` };
  }
  if (endpoints.length === 0) return undefined;
  const requestMs = flags["discovery-request-timeout"];
  return { kind: "token", token, endpoints, requestMs, tls: tlsOf(flags) };
}

function tlsOf(flags: FlagValues<typeof discoveryFlagRows>): ClientTls | undefined {
  const ca = read("discovery-cacert", flags["discovery-cacert"]);
  const certificate = read("discovery-cert", flags["discovery-cert"]);
  const key = read("discovery-key", flags["discovery-key"]);
  if ((certificate === undefined) !== (key === undefined))
    throw new UsageError("--discovery-cert and --discovery-key must be given together");
  const skipVerify = flags["discovery-insecure-skip-tls-verify"];
  if (flags["discovery-insecure-transport"] && !skipVerify && (ca ?? certificate) === undefined)
    return undefined;
  return { ...(ca && { ca }), ...(certificate && { certificate }), ...(key && { key }), skipVerify };
}

function read(flag: string, path: string | undefined): string | undefined {
  if (path === undefined || path === "") return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`--${flag}: cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`);
  }
}
