import { X509Certificate } from "node:crypto";
import type { Clock } from "../../base/os/clock.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { Runtime } from "../runtime/seam.ts";

export interface KubeletFacts {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly runtime: Pick<Runtime, "listPodSandboxes" | "listContainers">;
  /** Undefined: the node shows none. */
  readonly clientCertificatePem: () => string | undefined;
  readonly servingCertificatePem: () => string;
}

/** What the kubelet tells of itself, read when somebody asks. */
export function observeKubelet(meter: Meter, facts: KubeletFacts): void {
  const { nodeName, clock, runtime } = facts;
  meter.observedBy("kubelet_node_name", "[ALPHA] The node's name. The count is always 1.", ["node"], () => [
    [{ node: nodeName }, 1],
  ]);
  meter.observed(
    "kubelet_running_pods",
    "[BETA] Number of pods that have a running pod sandbox",
    () => runtime.listPodSandboxes().filter(({ state }) => state === "ready").length,
  );
  meter.observedBy(
    "kubelet_running_containers",
    "[BETA] Number of containers currently running",
    ["container_state"],
    () => {
      const counts = new Map<string, number>();
      for (const { state } of runtime.listContainers())
        counts.set(state.phase, (counts.get(state.phase) ?? 0) + 1);
      return [...counts].map(([container_state, count]) => [{ container_state }, count] as const);
    },
  );
  const left = secondsLeft(clock);
  meter.observed(
    "kubelet_certificate_manager_client_ttl_seconds",
    "[ALPHA] Gauge of the TTL (time-to-live) of the Kubelet's client certificate. The value is in seconds until certificate expiry (negative if already expired). If client certificate is invalid or unused, the value will be +INF.",
    () => left(facts.clientCertificatePem()),
  );
  meter.observed(
    "kubelet_certificate_manager_server_ttl_seconds",
    "[ALPHA] Gauge of the shortest TTL (time-to-live) of the Kubelet's serving certificate. The value is in seconds until certificate expiry (negative if already expired). If serving certificate is invalid or unused, the value will be +INF.",
    () => left(facts.servingCertificatePem()),
  );
  meter.histogram(
    "kubelet_pleg_relist_duration_seconds",
    "[ALPHA] Always nothing: containers are not listed anew, their ends are heard of.",
  );
}

/** Counts failures to renew the node's certificates. */
export function renewalErrors(meter: Meter) {
  const help = "[ALPHA] Counter of certificate renewal errors.";
  return {
    client: meter.counter("kubelet_certificate_manager_client_expiration_renew_errors", help),
    serving: meter.counter("kubelet_server_expiration_renew_errors", help),
  };
}

/** Whole seconds until a certificate ends; each is read once. */
function secondsLeft(clock: Clock): (pem: string | undefined) => number {
  const ends = new Map<string, number>();
  return (pem) => {
    if (pem === undefined) return Number.POSITIVE_INFINITY;
    let endMs = ends.get(pem);
    if (endMs === undefined) {
      endMs = Date.parse(new X509Certificate(pem).validTo);
      ends.clear();
      ends.set(pem, endMs);
    }
    return Math.floor((endMs - clock.wallMs()) / 1000);
  };
}
