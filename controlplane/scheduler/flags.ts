import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { type ElectionTimes, electionTimesProblems } from "../../client/election.ts";
import { loadKubeconfig, type RestConfig } from "../../client/kubeconfig.ts";

export const schedulerFlags = {
  kubeconfig: { kind: "string", value: "FILE", help: "How to reach the API servers, and as whom." },
  "bind-address": {
    kind: "string",
    default: "127.0.0.1",
    help: "Where /healthz and /metrics are served (HTTP).",
  },
  "secure-port": { kind: "integer", default: 10259, help: "Its port; 0 serves nothing." },
  "leader-elect": {
    kind: "boolean",
    default: true,
    help: "Work only while holding the lease; needed when several run.",
  },
  "leader-elect-lease-duration": {
    kind: "duration",
    default: 15_000,
    help: "How long others wait after the leader's last renewal they saw (whole seconds).",
  },
  "leader-elect-renew-deadline": {
    kind: "duration",
    default: 10_000,
    help: "How long the leader tries to renew before it stops.",
  },
  "leader-elect-retry-period": { kind: "duration", default: 2_000, help: "How often everybody tries." },
  "leader-elect-resource-name": { kind: "string", default: "kube-scheduler", help: "The Lease's name." },
  "leader-elect-resource-namespace": {
    kind: "string",
    default: "kube-system",
    help: "The Lease's namespace.",
  },
  "scheduler-name": {
    kind: "string",
    default: "default-scheduler",
    help: "Pods that name this scheduler are ours.",
  },
  "percentage-of-nodes-to-score": {
    kind: "integer",
    default: 0,
    help: "Stop looking after this share of nodes was found to fit; 0 lets the cluster's size decide.",
  },
} as const satisfies FlagTable;

export interface SchedulerConfig {
  readonly api: RestConfig;
  /** Where to serve health and metrics; undefined: nowhere. */
  readonly serve: { readonly address: string; readonly port: number } | undefined;
  /** Undefined: alone, without a lease. */
  readonly election:
    | { readonly name: string; readonly namespace: string; readonly times: ElectionTimes }
    | undefined;
  readonly schedulerName: string;
  readonly percentageOfNodesToScore: number;
}

/** Checks the flags against each other. Throws UsageError with every problem. */
export function schedulerConfig(flags: FlagValues<typeof schedulerFlags>): SchedulerConfig {
  const times: ElectionTimes = {
    leaseDurationMs: flags["leader-elect-lease-duration"],
    renewDeadlineMs: flags["leader-elect-renew-deadline"],
    retryPeriodMs: flags["leader-elect-retry-period"],
  };
  const problems = flags["leader-elect"]
    ? electionTimesProblems(times).map((problem) => `--leader-elect-*: ${problem}`)
    : [];
  const port = flags["secure-port"];
  if (port < 0 || port > 65_535) problems.push(`--secure-port: ${port} is not a port (0 to 65535)`);
  const percentage = flags["percentage-of-nodes-to-score"];
  if (percentage < 0 || percentage > 100)
    problems.push(`--percentage-of-nodes-to-score: ${percentage} is not between 0 and 100`);
  if (flags["scheduler-name"] === "") problems.push("--scheduler-name: must not be empty");
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return {
    api: loadKubeconfig(flags.kubeconfig),
    serve: port === 0 ? undefined : { address: flags["bind-address"], port },
    election: flags["leader-elect"]
      ? {
          name: flags["leader-elect-resource-name"],
          namespace: flags["leader-elect-resource-namespace"],
          times,
        }
      : undefined,
    schedulerName: flags["scheduler-name"],
    percentageOfNodesToScore: percentage,
  };
}
