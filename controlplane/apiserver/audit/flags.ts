import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { type FlagTable, type FlagValues, UsageError } from "../../../base/os/flags.ts";
import { readShippingFile } from "../../../shipping/config/read-config.ts";
import type { LogFileConfig } from "./log-file.ts";
import { type AuditPolicy, readAuditPolicy } from "./policy.ts";
import type { AuditShipping } from "./ship-audit.ts";
import { type AuditWebhookConfig, auditWebhookConfig, auditWebhookFlags } from "./webhook-flags.ts";

/** kube-apiserver's flags for what is told of requests, by its names. */
export const auditFlags = {
  "audit-policy-file": {
    kind: "string",
    value: "FILE",
    help: "Policy of audit.k8s.io: how much is told of which requests",
  },
  "audit-log-path": {
    kind: "string",
    value: "FILE",
    help: "Where events go, each a line of JSON; - is standard output",
  },
  "audit-log-format": { kind: "string", value: "FORMAT", default: "json", help: "json is the only one" },
  "audit-log-maxage": { kind: "integer", default: 0, help: "Days that full files are kept; 0: forever" },
  "audit-log-maxbackup": { kind: "integer", default: 0, help: "Full files that are kept; 0: all" },
  "audit-log-maxsize": {
    kind: "integer",
    default: 0,
    help: "Megabytes at which a file is full; 0: a hundred",
  },
  ...auditWebhookFlags,
  "log-shipping": {
    kind: "string",
    value: "FILE",
    help: "Where the audit log is shipped: a file of kind LogShipping",
  },
  "log-shipping-dir": {
    kind: "string",
    default: "/var/lib/pintle/apiserver/log-shipping",
    value: "DIR",
    help: "Where events wait for whom they are shipped to",
  },
} as const satisfies FlagTable;

export interface AuditConfig {
  readonly policy: AuditPolicy;
  readonly file: LogFileConfig | undefined;
  readonly webhook: AuditWebhookConfig | undefined;
  /** Absent: the log stays where it is. */
  readonly shipping?: AuditShipping;
}

const megabyte = 1024 * 1024;
const sizeDefault = 100;

/** Undefined where nothing is asked for. Each thing that is wrong is added to `problems`. */
export function auditConfig(
  flags: FlagValues<typeof auditFlags>,
  problems: string[],
): AuditConfig | undefined {
  const policyPath = flags["audit-policy-file"];
  const logPath = flags["audit-log-path"];
  for (const name of ["audit-log-maxage", "audit-log-maxbackup", "audit-log-maxsize"] as const)
    if (flags[name] < 0) problems.push(`--${name}: must be >= 0`);
  if (flags["audit-log-format"] !== "json")
    problems.push(`--audit-log-format: "${flags["audit-log-format"]}" is not supported; json is`);
  const webhook = auditWebhookConfig(flags, problems);
  const isTold = Boolean(logPath || flags["audit-webhook-config-file"]);
  const shipping = auditShipping(flags, problems);
  if (!policyPath && !isTold) return undefined;
  if (!policyPath || !isTold) {
    problems.push(
      "--audit-policy-file: give it with --audit-log-path, --audit-webhook-config-file or both, or none of them",
    );
    return undefined;
  }
  const found: string[] = [];
  const policy = policyOf(policyPath, found);
  problems.push(...found.map((problem) => `--audit-policy-file: ${policyPath}: ${problem}`));
  return {
    policy,
    file: logPath
      ? {
          path: logPath === "-" ? logPath : resolve(logPath),
          ageDaysMax: flags["audit-log-maxage"],
          backupsMax: flags["audit-log-maxbackup"],
          sizeBytesMax: (flags["audit-log-maxsize"] || sizeDefault) * megabyte,
        }
      : undefined,
    webhook,
    ...(shipping !== undefined && { shipping }),
  };
}

function auditShipping(flags: FlagValues<typeof auditFlags>, problems: string[]): AuditShipping | undefined {
  const { "log-shipping": file, "log-shipping-dir": folder, "audit-log-path": logPath } = flags;
  if (file === undefined) return undefined;
  if (!logPath || logPath === "-") {
    problems.push(
      "--log-shipping: an API server ships its audit log, which needs --audit-log-path with a file",
    );
    return undefined;
  }
  try {
    return {
      config: readShippingFile("log-shipping", file),
      path: resolve(logPath),
      folder: resolve(folder),
    };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

function policyOf(path: string, problems: string[]): AuditPolicy {
  try {
    return readAuditPolicy(parse(readFileSync(path, "utf8")), problems);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
    return [];
  }
}
