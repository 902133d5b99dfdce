import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import type { BackoffOptions } from "../../base/backoff.ts";
import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { describeError } from "../../base/os/log.ts";
import type { TracingConfig } from "../../base/tracing/config.ts";
import { tracingFlags, tracingOfFlags } from "../../base/tracing/flags.ts";
import { type ElectionTimes, electionTimesProblems } from "../../client/election.ts";
import { loadKubeconfig, type RestConfig } from "../../client/kubeconfig.ts";
import { type Configuration, readConfiguration } from "./config/configuration.ts";
import { defaultProfile, type ProfileSpec } from "./config/make-profiles.ts";
import type { ExtenderSpec } from "./extenders/extender.ts";
import { queueLimits } from "./queue.ts";

export const schedulerFlags = {
  config: {
    kind: "string",
    value: "FILE",
    help: "A KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1); flags that are given count for more.",
  },
  kubeconfig: { kind: "string", value: "FILE", help: "How to reach the API servers, and as whom." },
  "bind-address": {
    kind: "list",
    default: ["127.0.0.1"],
    value: "ADDRESSES",
    help: "Where /healthz and /metrics are served (HTTP).",
  },
  "secure-port": { kind: "integer", default: 10259, help: "Its port; 0 serves nothing." },
  "leader-elect": {
    kind: "boolean",
    help: "Work only while holding the lease; needed when several run (true unless the file says otherwise).",
  },
  "leader-elect-lease-duration": {
    kind: "duration",
    help: "How long others wait after the leader's last renewal they saw (whole seconds; 15s).",
  },
  "leader-elect-renew-deadline": {
    kind: "duration",
    help: "How long the leader tries to renew before it stops (10s).",
  },
  "leader-elect-retry-period": { kind: "duration", help: "How often everybody tries (2s)." },
  "leader-elect-resource-name": { kind: "string", help: "The Lease's name (kube-scheduler)." },
  "leader-elect-resource-namespace": { kind: "string", help: "The Lease's namespace (kube-system)." },
  "scheduler-name": {
    kind: "string",
    help: "Pods that name this scheduler are ours (default-scheduler); not with --config, whose profiles say it.",
  },
  "percentage-of-nodes-to-score": {
    kind: "integer",
    help: "Stop looking after this share of nodes was found to fit; 0, as by default, lets the cluster's size decide. Not with --config.",
  },
  ...tracingFlags,
  plugins: {
    kind: "list",
    value: "FILES",
    default: [],
    help: "Modules (JavaScript or TypeScript) with scheduling plugins of your own.",
  },
} as const satisfies FlagTable;

export interface SchedulerConfig {
  readonly api: RestConfig;
  /** Where to serve health and metrics; undefined: nowhere. */
  readonly serve: { readonly addresses: readonly string[]; readonly port: number } | undefined;
  /** Undefined: alone, without a lease. */
  readonly election:
    | {
        readonly name: string;
        readonly namespace: string;
        readonly times: ElectionTimes;
        /** Unique among the candidates; absent: of the host's name, the process and chance. */
        readonly identity?: string | undefined;
      }
    | undefined;
  readonly profiles: readonly ProfileSpec[];
  readonly extenders: readonly ExtenderSpec[];
  readonly backoff: BackoffOptions;
  /** Absent: nothing is traced. */
  readonly tracing?: TracingConfig | undefined;
  /** Modules with plugins of users. */
  readonly pluginFiles: readonly string[];
}

/** Checks the flags against each other and reads the configuration file. Throws UsageError with every problem. */
export function schedulerConfig(flags: FlagValues<typeof schedulerFlags>): SchedulerConfig {
  const { kubeconfig, ...config } = bareSchedulerConfig(flags);
  return { ...config, api: loadKubeconfig(kubeconfig) };
}

/** The same for whoever has a client already. */
export function bareSchedulerConfig(
  flags: FlagValues<typeof schedulerFlags>,
): Omit<SchedulerConfig, "api"> & { readonly kubeconfig: string | undefined } {
  const problems: string[] = [];
  const file = flags.config === undefined ? undefined : configurationIn(flags.config);
  const base = file ?? withoutFile(flags, problems);
  const times: ElectionTimes = {
    leaseDurationMs: flags["leader-elect-lease-duration"] ?? base.election.times.leaseDurationMs,
    renewDeadlineMs: flags["leader-elect-renew-deadline"] ?? base.election.times.renewDeadlineMs,
    retryPeriodMs: flags["leader-elect-retry-period"] ?? base.election.times.retryPeriodMs,
  };
  const elects = flags["leader-elect"] ?? base.election.isOn;
  if (elects) problems.push(...electionTimesProblems(times).map((problem) => `--leader-elect-*: ${problem}`));
  const port = flags["secure-port"];
  if (port < 0 || port > 65_535) problems.push(`--secure-port: ${port} is not a port (0 to 65535)`);
  for (const name of ["scheduler-name", "percentage-of-nodes-to-score"] as const)
    if (file !== undefined && flags[name] !== undefined)
      problems.push(`--${name}: the profiles of --config say it`);
  const tracing = tracingOfFlags(flags, problems);
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return {
    tracing,
    kubeconfig: flags.kubeconfig ?? base.kubeconfig,
    serve: port === 0 ? undefined : { addresses: flags["bind-address"], port },
    election: elects
      ? {
          name: flags["leader-elect-resource-name"] ?? base.election.name,
          namespace: flags["leader-elect-resource-namespace"] ?? base.election.namespace,
          times,
        }
      : undefined,
    profiles: base.profiles,
    extenders: base.extenders,
    backoff: { ...queueLimits.backoff, ...base.backoff },
    pluginFiles: flags.plugins,
  };
}

/** What holds where there is no file: Kubernetes' defaults, with one profile by the flags. */
function withoutFile(flags: FlagValues<typeof schedulerFlags>, problems: string[]): Configuration {
  const name = flags["scheduler-name"] ?? "default-scheduler";
  const percentage = flags["percentage-of-nodes-to-score"] ?? 0;
  if (percentage < 0 || percentage > 100)
    problems.push(`--percentage-of-nodes-to-score: ${percentage} is not between 0 and 100`);
  if (name === "") problems.push("--scheduler-name: must not be empty");
  const read = readConfiguration({
    apiVersion: "kubescheduler.config.k8s.io/v1",
    kind: "KubeSchedulerConfiguration",
  });
  if ("problems" in read) throw new UsageError(read.problems.join("\n"));
  return { ...read.configuration, profiles: [defaultProfile(name, percentage)] };
}

function configurationIn(path: string): Configuration {
  const fail = (why: string) => new UsageError(`--config: ${path}: ${why}`);
  let given: unknown;
  try {
    given = parseYaml(readFileSync(path, "utf8"));
  } catch (error) {
    throw fail(describeError(error));
  }
  const read = readConfiguration(given);
  if ("problems" in read) throw fail(read.problems.join(`\n--config: ${path}: `));
  return read.configuration;
}
