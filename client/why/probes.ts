import type { ContainerStatus, Event, Pod, Probe } from "../types.ts";
import { probeSays } from "./crashes.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, stands, told, wordsOf } from "./finding.ts";

/** Why containers that run are not ready. */
export function readinessFindings(pod: Pod, facts: Facts): readonly Finding[] {
  const { containerStatuses = [], conditions = [] } = pod.status ?? {};
  const unready = containerStatuses.filter(({ ready, state }) => !ready && state?.running !== undefined);
  if (unready.length > 0) return unready.map((status) => unreadyFinding(pod, status, facts));
  const gates = (pod.spec.readinessGates ?? []).filter(
    ({ conditionType }) =>
      !conditions.some(({ type, status }) => type === conditionType && status === "True"),
  );
  return gates.map(({ conditionType }) =>
    finding("readiness-gate", pod, `it waits for its readiness gate ${conditionType}`, {
      evidence: [
        stands(
          pod,
          `status.conditions[${conditionType}]`,
          conditions.find(({ type }) => type === conditionType)?.message ?? "is not there",
        ),
      ],
      change: [`whoever is to set the condition ${conditionType} sets it to True`],
      next: [`kubectl get ${wordsOf(pod)} -o yaml`],
    }),
  );
}

function unreadyFinding(pod: Pod, { name, started }: ContainerStatus, facts: Facts): Finding {
  const container = pod.spec.containers.find((one) => one.name === name);
  const isStarting = started === false && container?.startupProbe !== undefined;
  const probe = isStarting ? container?.startupProbe : container?.readinessProbe;
  const failed = latestUnhealthy(facts.events(pod), name, isStarting ? "Startup" : "Readiness");
  const which = isStarting ? "startup" : "readiness";
  const says = failed === undefined ? "" : `: ${probeSays(failed.message)}`;
  return finding(
    isStarting ? "startup-probe" : "readiness-probe",
    pod,
    `container ${name} runs, but its ${which} probe fails${says}`,
    {
      evidence: [
        ...(probe === undefined
          ? []
          : [stands(pod, `spec.containers[${name}].${which}Probe`, probeText(probe))]),
        ...(failed === undefined ? [] : [told(failed)]),
      ],
      change: [probe === undefined ? "it says that it is ready" : probeText(probe)],
      next: [`kubectl logs ${pod.metadata.name} -n ${pod.metadata.namespace} -c ${name}`],
    },
  );
}

function latestUnhealthy(events: readonly Event[], container: string, which: string): Event | undefined {
  return [...events]
    .reverse()
    .find(
      ({ reason, message = "", involvedObject: { fieldPath } }) =>
        reason === "Unhealthy" &&
        message.startsWith(which) &&
        (fieldPath === undefined || fieldPath.includes(`{${container}}`)),
    );
}

/** What a probe asks, and what it wants to hear. */
export function probeText({
  httpGet,
  tcpSocket,
  grpc,
  exec,
  timeoutSeconds = 1,
  periodSeconds = 10,
  failureThreshold = 3,
}: Probe): string {
  const often = `asked every ${periodSeconds} s, given up after ${failureThreshold}`;
  if (httpGet)
    return `GET ${httpGet.path ?? "/"} at port ${httpGet.port} answers 200 to 399 in ${timeoutSeconds} s (${often})`;
  if (tcpSocket) return `port ${tcpSocket.port} takes connections (${often})`;
  if (grpc) return `the gRPC health service at port ${grpc.port} says SERVING (${often})`;
  if (exec) return `${JSON.stringify(exec.command ?? [])} ends with 0 in ${timeoutSeconds} s (${often})`;
  return "its probe says yes";
}
