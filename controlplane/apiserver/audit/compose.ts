import type { Log } from "../../../base/os/log.ts";
import type { Os, Running } from "../../../base/os/os.ts";
import { RemoteJson } from "../authentication/remote-json.ts";
import type { AuditConfig } from "./flags.ts";
import { AuditLogFile } from "./log-file.ts";
import { ruleFor } from "./policy.ts";
import type { AuditShipping } from "./ship-audit.ts";
import { type AuditedRequest, type AuditSink, AuditTrail } from "./trail.ts";
import { AuditWebhook } from "./webhook.ts";

/** Follows requests for whoever reads the log of them. */
export interface Audit {
  begin(about: AuditedRequest): AuditTrail;
  close(): Promise<void>;
}

/** Undefined where no policy is set: then nothing is done for it. */
export function auditAsConfigured(config: AuditConfig | undefined, os: Os, log: Log): Audit | undefined {
  if (config === undefined) return undefined;
  const wallMs = () => os.clock.wallMs();
  const { metrics } = os;
  const errors = metrics.counter(
    "apiserver_audit_error_total",
    "[ALPHA] Counter of audit events that failed to be audited properly. Plugin identifies the plugin affected by the error.",
    ["plugin"],
  );
  const failed = (plugin: string, events: number) => errors.inc({ plugin }, events);
  const file = config.file && new AuditLogFile(config.file, { disk: os.disk, wallMs, log, print, failed });
  const webhook =
    config.webhook &&
    new AuditWebhook(config.webhook, {
      remote: new RemoteJson(config.webhook.access, os.clock),
      clock: os.clock,
      random: os.random,
      log,
      failed,
    });
  const shipped = config.shipping && startShipping(config.shipping, os, log);
  const counter = metrics.counter(
    "apiserver_audit_event_total",
    "[ALPHA] Counter of audit events generated and sent to the audit backend.",
  );
  const rejected = metrics.counter(
    "apiserver_audit_requests_rejected_total",
    "[ALPHA] Counter of apiserver requests rejected due to an error in audit logging backend.",
  );
  const sink: AuditSink = {
    write(line) {
      counter.inc({});
      file?.write(line);
      return webhook?.write(line);
    },
    ready: async () => file?.ready(),
  };
  const deps = {
    sink,
    wallMs,
    ruleFor: ruleFor.bind(undefined, config.policy),
    rejected: () => rejected.inc(),
  };
  return {
    begin: (about) => new AuditTrail(deps, about),
    close: async () => {
      await Promise.all([file?.close(), webhook?.close()]);
      await (await shipped)?.stop();
    },
  };
}

/** The log goes on where it cannot be shipped: it stays in its file. */
async function startShipping(shipping: AuditShipping, os: Os, log: Log): Promise<Running | undefined> {
  try {
    return await (await import("./ship-audit.ts")).shipAudit(shipping, os);
  } catch (error) {
    log.error("the audit log cannot be shipped", { error });
    return undefined;
  }
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) =>
    process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
  );
}
