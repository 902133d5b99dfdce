import type { CacheHub } from "../cache/cache-hub.ts";
import type { Storage } from "../registry/storage.ts";

/** /healthz, /livez, /readyz: the checks, and the text that Kubernetes' tools read. */
export interface HealthCheck {
  readonly name: string;
  /** Rejects, or resolves to what is wrong; `undefined` is well. */
  readonly check: () => Promise<string | undefined>;
}
export type HealthPath = "healthz" | "livez" | "readyz";

export interface HealthDeps {
  readonly storage: Storage;
  readonly hub: CacheHub;
  /** False while the server is stopping: balancers then send new requests elsewhere. */
  readonly accepting: () => boolean;
  /** The system namespaces and the `kubernetes` Service are there. */
  readonly bootstrapped: () => boolean;
  /** The APIServices are in use. */
  readonly isAggregated: () => boolean;
  /** The bounds on requests are those that the stored objects say. */
  readonly isBounded: () => boolean;
}

export function healthChecks(path: HealthPath, deps: HealthDeps): readonly HealthCheck[] {
  const ping: HealthCheck = { name: "ping", check: async () => undefined };
  if (path === "livez") return [ping];
  const etcd: HealthCheck = {
    name: "etcd",
    check: () =>
      deps.storage.revision().then(
        () => undefined,
        (error: unknown) => String(error),
      ),
  };
  if (path === "healthz") return [ping, etcd];
  const informers: HealthCheck = {
    name: "informer-sync",
    check: async () => (deps.hub.revision > 0 ? undefined : "the store's watch has not started"),
  };
  const bootstrap: HealthCheck = {
    name: "poststarthook/bootstrap-system-namespaces",
    check: async () => (deps.bootstrapped() ? undefined : "not finished"),
  };
  const flows: HealthCheck = {
    name: "poststarthook/priority-and-fairness-config-consumer",
    check: async () => (deps.isBounded() ? undefined : "not finished"),
  };
  const services: HealthCheck = {
    name: "poststarthook/apiservice-registration-controller",
    check: async () => (deps.isAggregated() ? undefined : "not finished"),
  };
  const shutdown: HealthCheck = {
    name: "shutdown",
    check: async () => (deps.accepting() ? undefined : "the server is stopping"),
  };
  return [ping, etcd, informers, bootstrap, flows, services, shutdown];
}

export interface HealthAnswer {
  readonly ok: boolean;
  readonly text: string;
}

export async function checkHealth(
  path: HealthPath,
  checks: readonly HealthCheck[],
  options: { readonly verbose: boolean; readonly excluded: readonly string[] },
): Promise<HealthAnswer> {
  const lines: string[] = [];
  let ok = true;
  for (const { name, check } of checks) {
    if (options.excluded.includes(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    const problem = await check();
    if (problem !== undefined) ok = false;
    lines.push(problem === undefined ? `[+]${name} ok` : `[-]${name} failed: ${problem}`);
  }
  if (ok && !options.verbose) return { ok, text: "ok" };
  return { ok, text: `${lines.join("\n")}\n${path} check ${ok ? "passed" : "failed"}\n` };
}
