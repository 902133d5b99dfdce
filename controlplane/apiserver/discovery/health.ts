import type { CacheHub } from "../cache/cache-hub.ts";
import type { Storage } from "../registry/storage.ts";

/** /healthz, /livez, /readyz: the checks, and the text that Kubernetes' tools read. */
export interface HealthCheck {
  readonly name: string;
  /** Resolves to what is wrong; `undefined` is well. */
  readonly check: () => Promise<string | undefined>;
}
export const healthPaths = ["healthz", "livez", "readyz"] as const;
export type HealthPath = (typeof healthPaths)[number];

export interface HealthDeps {
  readonly storage: Pick<Storage, "revision">;
  readonly hub: Pick<CacheHub, "revision">;
  /** False while the server is stopping: balancers then send new requests elsewhere. */
  readonly accepting: () => boolean;
  /** The system namespaces, the default roles, what is suggested, and the `kubernetes` Service are there. */
  readonly bootstrapped: () => boolean;
  /** The APIServices are in use. */
  readonly isAggregated: () => boolean;
  /** The bounds on requests are those that the stored objects say. */
  readonly isBounded: () => boolean;
}

/** Kubernetes' names of what one loop of ours sees to. */
const bootstrapNames = [
  "start-system-namespaces-controller",
  "rbac/bootstrap-roles",
  "scheduling/bootstrap-system-priority-classes",
  "priority-and-fairness-config-producer",
  "bootstrap-controller",
];

/** The checks of a path, in kube-apiserver's order: an orderly end concerns /readyz alone. */
export function healthChecks(path: HealthPath, deps: HealthDeps): readonly HealthCheck[] {
  const isReadiness = path === "readyz";
  const asked = sharedQuestion(() =>
    deps.storage.revision().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    ),
  );
  const started = (name: string, isDone: () => boolean): HealthCheck => ({
    name: `poststarthook/${name}`,
    check: async () => (isDone() ? undefined : "not finished"),
  });
  return [
    { name: "ping", check: async () => undefined },
    { name: "etcd", check: asked },
    ...(isReadiness
      ? [
          { name: "etcd-readiness", check: asked },
          {
            name: "informer-sync",
            check: async () => (deps.hub.revision > 0 ? undefined : "1 informers not started yet: [store]"),
          },
        ]
      : []),
    started("priority-and-fairness-config-consumer", deps.isBounded),
    ...bootstrapNames.map((name) => started(name, deps.bootstrapped)),
    started("apiservice-registration-controller", deps.isAggregated),
    ...(isReadiness
      ? [
          {
            name: "shutdown",
            check: async () => (deps.accepting() ? undefined : "process is shutting down"),
          },
        ]
      : []),
  ];
}

/** One answer for all who ask in the same request. */
function sharedQuestion<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

export interface HealthAnswer {
  readonly ok: boolean;
  readonly text: string;
  /** What failed and why, for our own log: the answer is for everybody. */
  readonly problems: readonly string[];
}

export async function checkHealth(
  path: HealthPath,
  checks: readonly HealthCheck[],
  options: {
    readonly verbose: boolean;
    readonly excluded: readonly string[];
    /** Hears of each check that was made. */
    readonly checked: (name: string, isWell: boolean) => void;
  },
): Promise<HealthAnswer> {
  const unknown = new Set(options.excluded);
  const problems: string[] = [];
  let text = "";
  for (const { name, check } of checks) {
    if (unknown.delete(name) || options.excluded.includes(name)) {
      text += `[+]${name} excluded: ok\n`;
      continue;
    }
    const problem = await check();
    options.checked(name, problem === undefined);
    if (problem !== undefined) problems.push(`${name}: ${problem}`);
    text += problem === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`;
  }
  if (unknown.size > 0) {
    const names = [...unknown].sort().map((name) => JSON.stringify(name));
    text += `warn: some health checks cannot be excluded: no matches for ${names.join(",")}\n`;
  }
  const ok = problems.length === 0;
  if (ok && !options.verbose) return { ok, text: "ok", problems };
  return { ok, text: `${text}${path} check ${ok ? "passed" : "failed"}\n`, problems };
}

/** The answer for one check, which names what is wrong: who may ask for it may know. */
export async function oneCheck({ check }: HealthCheck): Promise<HealthAnswer> {
  const problem = await check();
  if (problem === undefined) return { ok: true, text: "ok", problems: [] };
  return { ok: false, text: `internal server error: ${problem}\n`, problems: [problem] };
}
