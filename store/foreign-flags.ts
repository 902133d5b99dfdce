import type { FlagKind, FlagRow } from "../base/os/flags.ts";

/** etcd's flags that this store does not have: either they mean nothing here, so that any value is taken with a warning, or
 *  only the named values are, since others would change what the store does. So configurations written for etcd start, and
 *  whoever relies on something that is not here is told. */
interface ForeignFlag {
  readonly kind: FlagKind;
  /** Absent: any. */
  readonly values?: readonly string[];
  /** The named values have no effect either. */
  readonly isWarnedOf?: true;
  readonly why: string;
}

const noEffect = (kind: FlagKind, why: string): ForeignFlag => ({ kind, why });
const only = (kind: FlagKind, values: readonly string[], why: string): ForeignFlag => ({ kind, values, why });
const unset = (kind: FlagKind, why: string): ForeignFlag =>
  only(kind, kind === "boolean" ? ["false"] : kind === "list" || kind === "string" ? [""] : ["0"], why);

const bolt = "the database is not bbolt";
const pacing = "compactions and checks pace themselves";
const noV2 = "there is no v2 API";
const oldDiscovery =
  "the discovery of etcd's v2 is gone; there are --discovery-endpoints and --discovery-token";
const ownTimes = "the client of the discovery service has times of its own";
const noDiscoveryUser = "the discovery service is asked without a user";

const table = {
  "max-snapshots": noEffect(
    "integer",
    "--max-snapshots is deprecated in 3.6 and will be decommissioned in 3.8: a snapshot is kept until the next one replaces it",
  ),
  "max-wals": noEffect("integer", "log segments go when nothing needs them any more"),
  "backend-bbolt-freelist-type": noEffect("string", bolt),
  "experimental-backend-bbolt-freelist-type": noEffect("string", bolt),
  "backend-batch-interval": noEffect("goDuration", bolt),
  "backend-batch-limit": noEffect("integer", bolt),
  "bootstrap-defrag-threshold-megabytes": noEffect("integer", bolt),
  "experimental-bootstrap-defrag-threshold-megabytes": noEffect("integer", bolt),
  "memory-mlock": noEffect("boolean", bolt),
  "experimental-memory-mlock": noEffect("boolean", bolt),
  "experimental-txn-mode-write-with-shared-buffer": noEffect("boolean", bolt),
  "experimental-stop-grpc-service-on-defrag": noEffect("boolean", "defragmenting stops nobody"),
  "initial-election-tick-advance": noEffect("boolean", "elections begin at once"),
  "pre-vote": only("boolean", ["true"], "elections always begin with a pre-vote"),
  "unsafe-no-fsync": unset("boolean", "what is acknowledged is always synced"),
  "socket-reuse-port": unset("boolean", "a port belongs to one process"),
  "socket-reuse-address": noEffect("boolean", "addresses are always reused"),
  "grpc-keepalive-min-time": noEffect("goDuration", "clients may ping as they like"),
  "raft-read-timeout": noEffect("goDuration", "links to members notice silence by themselves"),
  "raft-write-timeout": noEffect("goDuration", "links to members notice silence by themselves"),
  discovery: unset("string", oldDiscovery),
  "discovery-fallback": noEffect("string", oldDiscovery),
  "discovery-proxy": noEffect("string", oldDiscovery),
  "discovery-dial-timeout": noEffect("goDuration", ownTimes),
  "discovery-keepalive-time": noEffect("goDuration", ownTimes),
  "discovery-keepalive-timeout": noEffect("goDuration", ownTimes),
  "discovery-user": unset("string", noDiscoveryUser),
  "discovery-password": unset("string", noDiscoveryUser),
  proxy: only("string", ["off"], noV2),
  "proxy-failure-wait": noEffect("integer", noV2),
  "proxy-refresh-interval": noEffect("integer", noV2),
  "proxy-dial-timeout": noEffect("integer", noV2),
  "proxy-write-timeout": noEffect("integer", noV2),
  "proxy-read-timeout": noEffect("integer", noV2),
  "enable-v2": unset("boolean", noV2),
  "experimental-enable-v2v3": unset("string", noV2),
  "v2-deprecation": {
    ...only(
      "string",
      ["", "write-only", "write-only-skip-check", "write-only-drop-data", "gone"],
      "--v2-deprecation is deprecated and scheduled for removal in v3.8. The default value is enforced, ignoring user input: there is no v2 API",
    ),
    isWarnedOf: true,
  },
  "client-cert-file": noEffect("string", "the JSON gateway asks within the process"),
  "client-key-file": noEffect("string", "the JSON gateway asks within the process"),
  "log-package-levels": noEffect("string", "one level is that of all"),
  "compaction-batch-limit": noEffect("integer", pacing),
  "experimental-compaction-batch-limit": noEffect("integer", pacing),
  "compaction-sleep-interval": noEffect("goDuration", pacing),
  "experimental-compaction-sleep-interval": noEffect("goDuration", pacing),
} as const satisfies Readonly<Record<string, ForeignFlag>>;
type Name = keyof typeof table;

/** Rows for the table of flags; help leaves them out. */
export const foreignFlags = Object.fromEntries(
  Object.entries(table).map(([name, { kind, why }]) => [
    name,
    { kind, help: why, hidden: true } satisfies FlagRow,
  ]),
) as unknown as { readonly [N in Name]: FlagRow };

type Values = Readonly<Record<string, unknown>>;
const textOf = (value: unknown) => (Array.isArray(value) ? value.join(",") : String(value));
const isForeign = (name: string): name is Name => Object.hasOwn(table, name);

/** Values that would change what the store does, refused by name. */
export function foreignProblems(flags: Values): string[] {
  return Object.keys(table).flatMap((name) => {
    const { values, why } = table[name as Name] as ForeignFlag;
    const value = flags[name];
    if (value === undefined || values === undefined || values.includes(textOf(value))) return [];
    return [`--${name}: ${JSON.stringify(value)} is not supported: ${why}`];
  });
}

/** Given flags that have no effect, and why. What only repeats etcd's "no" is not worth a word. */
export function foreignWarnings(flags: Values, given: ReadonlySet<string>): { flag: string; why: string }[] {
  return [...given].filter(isForeign).flatMap((name) => {
    const { values, isWarnedOf, why } = table[name] as ForeignFlag;
    return (values !== undefined && isWarnedOf === undefined) ||
      ["false", "0", ""].includes(textOf(flags[name]))
      ? []
      : [{ flag: name, why }];
  });
}

/** etcd's feature gates: on or off means nothing here, or only one of both is what the store does. */
export const storeGates: Readonly<Record<string, { readonly must?: boolean; readonly why: string }>> = {
  AllAlpha: { must: false, why: "not all of them are here" },
  AllBeta: { why: bolt },
  StopGRPCServiceOnDefrag: { why: "defragmenting stops nobody" },
  TxnModeWriteWithSharedBuffer: { why: bolt },
  InitialCorruptCheck: { why: "" },
  CompactHashCheck: { why: "" },
  LeaseCheckpoint: { why: "" },
  LeaseCheckpointPersist: { why: "" },
  SetMemberLocalAddr: { why: "" },
  FastLeaseKeepAlive: { why: "a renewal waits for what is committed, lest its lease be revoked already" },
  PriorityRequest: { why: "no request overtakes another" },
};

/** Reads `Gate=true,Other=false`; throws on gates that nobody knows and on those that would change what the store does. */
export function featureGates(parts: readonly string[]): ReadonlyMap<string, boolean> {
  return new Map(
    parts.map((part) => {
      const [name = "", value = ""] = part.split("=").map((side) => side.trim());
      const gate = Object.hasOwn(storeGates, name) ? storeGates[name] : undefined;
      if (gate === undefined) throw new Error(`unrecognized feature gate: ${name}`);
      if (value !== "true" && value !== "false") throw new Error(`${name} must be true or false`);
      if (gate.must !== undefined && String(gate.must) !== value)
        throw new Error(`${part} is not supported: ${gate.why}`);
      return [name, value === "true"];
    }),
  );
}
