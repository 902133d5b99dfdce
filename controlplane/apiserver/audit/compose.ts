import type { Log } from "../../../base/os/log.ts";
import type { Os } from "../../../base/os/os.ts";
import type { AuditConfig } from "./flags.ts";
import { AuditLogFile } from "./log-file.ts";
import { ruleFor } from "./policy.ts";
import { type AuditedRequest, type AuditSink, AuditTrail } from "./trail.ts";

/** Follows requests for whoever reads the log of them. */
export interface Audit {
  begin(about: AuditedRequest): AuditTrail;
  close(): Promise<void>;
}

/** Undefined where no policy is set: then nothing is done for it. */
export function auditAsConfigured(config: AuditConfig | undefined, os: Os, log: Log): Audit | undefined {
  if (config === undefined) return undefined;
  const wallMs = () => os.clock.wallMs();
  const file = new AuditLogFile(config.file, { disk: os.disk, wallMs, log, print });
  const counter = os.metrics.counter(
    "apiserver_audit_event_total",
    "[ALPHA] Counter of audit events generated and sent to the audit backend.",
    [],
  );
  const sink: AuditSink = {
    write(line) {
      counter.inc({});
      file.write(line);
    },
    ready: () => file.ready(),
  };
  const deps = { sink, wallMs, ruleFor: ruleFor.bind(undefined, config.policy) };
  return { begin: (about) => new AuditTrail(deps, about), close: () => file.close() };
}

function print(text: string): Promise<void> {
  return new Promise((resolve, reject) =>
    process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
  );
}
