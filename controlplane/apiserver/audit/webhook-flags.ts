import { type FlagTable, type FlagValues, UsageError } from "../../../base/os/flags.ts";
import { type WebhookAccess, webhookAccess } from "../authentication/webhook-access.ts";

/** kube-apiserver's flags for a server that audit events are sent to, by its names. */
export const auditWebhookFlags = {
  "audit-webhook-config-file": {
    kind: "string",
    value: "FILE",
    help: "Server that audit events are sent to, as a kubeconfig",
  },
  "audit-webhook-mode": {
    kind: "string",
    value: "MODE",
    default: "batch",
    help: "batch: sent together, later; blocking: requests wait for it; blocking-strict: and fail with it",
  },
  "audit-webhook-initial-backoff": {
    kind: "goDuration",
    default: 10_000,
    help: "Pause before the first of four further attempts",
  },
  "audit-webhook-batch-buffer-size": {
    kind: "integer",
    default: 10_000,
    help: "Events that may wait to be sent; those beyond are dropped, and counted",
  },
  "audit-webhook-batch-max-size": { kind: "integer", default: 400, help: "Events sent together at most" },
  "audit-webhook-batch-max-wait": {
    kind: "goDuration",
    default: 30_000,
    help: "How long events wait for others at most",
  },
  "audit-webhook-batch-throttle-enable": {
    kind: "boolean",
    default: true,
    help: "Bound the batches sent in a second",
  },
  "audit-webhook-batch-throttle-qps": { kind: "number", default: 10, help: "Batches a second on average" },
  "audit-webhook-batch-throttle-burst": {
    kind: "integer",
    default: 15,
    help: "Batches at once after a quiet time",
  },
  "audit-webhook-truncate-enabled": {
    kind: "boolean",
    default: false,
    help: "Send events that are too large without their objects, or not at all",
  },
  "audit-webhook-truncate-max-event-size": { kind: "integer", default: 102_400, help: "Bytes of an event" },
  "audit-webhook-truncate-max-batch-size": {
    kind: "integer",
    default: 10_485_760,
    help: "Bytes sent together",
  },
  "audit-webhook-version": {
    kind: "string",
    default: "audit.k8s.io/v1",
    help: "audit.k8s.io/v1 is the only one",
  },
} as const satisfies FlagTable;

export const webhookModes = ["batch", "blocking", "blocking-strict"] as const;

export interface AuditWebhookConfig extends WebhookAccess {
  readonly mode: (typeof webhookModes)[number];
  readonly initialBackoffMs: number;
  readonly bufferEventsMax: number;
  readonly batchEventsMax: number;
  readonly batchWaitMs: number;
  /** Absent: as fast as it goes. */
  readonly throttle: { readonly perSecond: number; readonly burst: number } | undefined;
  /** Absent: events of any size. */
  readonly truncate: { readonly eventBytesMax: number; readonly batchBytesMax: number } | undefined;
}

/** Undefined where no server is named. Each thing that is wrong is added to `problems`. */
export function auditWebhookConfig(
  flags: FlagValues<typeof auditWebhookFlags>,
  problems: string[],
): AuditWebhookConfig | undefined {
  const path = flags["audit-webhook-config-file"];
  if (!path) return undefined;
  const mode = webhookModes.find((one) => one === flags["audit-webhook-mode"]);
  if (mode === undefined)
    problems.push(
      `--audit-webhook-mode: invalid audit webhook mode ${flags["audit-webhook-mode"]}, allowed modes are ${JSON.stringify(webhookModes.join(","))}`,
    );
  if (flags["audit-webhook-version"] !== "audit.k8s.io/v1")
    problems.push(`--audit-webhook-version: "${flags["audit-webhook-version"]}" is not audit.k8s.io/v1`);
  const throttles = flags["audit-webhook-batch-throttle-enable"];
  const truncates = flags["audit-webhook-truncate-enabled"];
  const positive = [
    "audit-webhook-batch-buffer-size",
    "audit-webhook-batch-max-size",
    ...(throttles
      ? (["audit-webhook-batch-throttle-qps", "audit-webhook-batch-throttle-burst"] as const)
      : []),
    ...(truncates
      ? (["audit-webhook-truncate-max-event-size", "audit-webhook-truncate-max-batch-size"] as const)
      : []),
  ] as const;
  for (const name of positive)
    if (!(flags[name] > 0)) problems.push(`--${name}: ${flags[name]}, must be a positive number`);
  const eventBytesMax = flags["audit-webhook-truncate-max-event-size"];
  const batchBytesMax = flags["audit-webhook-truncate-max-batch-size"];
  if (truncates && batchBytesMax < eventBytesMax)
    problems.push("--audit-webhook-truncate-max-batch-size: must not be less than the max event size");
  const server = serverOf(path, problems);
  if (server === undefined || mode === undefined) return undefined;
  return {
    ...server,
    mode,
    initialBackoffMs: flags["audit-webhook-initial-backoff"],
    bufferEventsMax: flags["audit-webhook-batch-buffer-size"],
    batchEventsMax: flags["audit-webhook-batch-max-size"],
    batchWaitMs: flags["audit-webhook-batch-max-wait"],
    throttle: throttles
      ? {
          perSecond: flags["audit-webhook-batch-throttle-qps"],
          burst: flags["audit-webhook-batch-throttle-burst"],
        }
      : undefined,
    truncate: truncates ? { eventBytesMax, batchBytesMax } : undefined,
  };
}

function serverOf(path: string, problems: string[]): WebhookAccess | undefined {
  try {
    return webhookAccess(path);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    problems.push(`--audit-webhook-config-file: ${error.message}`);
    return undefined;
  }
}
