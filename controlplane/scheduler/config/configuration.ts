import type { ElectionTimes } from "../../../client/election.ts";
import { readGoDuration } from "../../../client/rules/go-duration.ts";
import type { ExtenderSpec, ManagedResource } from "../extenders/extender.ts";
import { extendersProblems } from "./extender-problems.ts";
import type { ProfileSpec } from "./make-profiles.ts";
import { invalid, unsupported } from "./problems.ts";
import { type ProfileFile, profileSpec, profilesProblems } from "./profile-problems.ts";
import { type Shape, shapeProblems, withoutNulls } from "./shape.ts";

/** What a KubeSchedulerConfiguration says, completed and checked. What it leaves to flags is undefined. */
export interface Configuration {
  readonly profiles: readonly ProfileSpec[];
  readonly extenders: readonly ExtenderSpec[];
  readonly backoff: { readonly firstMs: number; readonly mostMs: number };
  readonly kubeconfig: string | undefined;
  readonly election: {
    readonly isOn: boolean;
    readonly name: string;
    readonly namespace: string;
    readonly times: ElectionTimes;
  };
}

const apiVersion = "kubescheduler.config.k8s.io/v1";

const pluginRows: Shape = { list: { fields: { name: "string", weight: "integer" } } };
const pluginSet: Shape = { fields: { enabled: pluginRows, disabled: pluginRows } };
const points = [
  ...["multiPoint", "preEnqueue", "queueSort", "preFilter", "filter", "postFilter", "preScore", "score"],
  ...["reserve", "permit", "preBind", "bind", "postBind"],
];

const fileShape: Shape = {
  fields: {
    apiVersion: "string",
    kind: "string",
    parallelism: "integer",
    leaderElection: {
      fields: {
        leaderElect: "boolean",
        leaseDuration: "duration",
        renewDeadline: "duration",
        retryPeriod: "duration",
        resourceLock: "string",
        resourceName: "string",
        resourceNamespace: "string",
      },
    },
    clientConnection: {
      fields: {
        kubeconfig: "string",
        acceptContentTypes: "string",
        contentType: "string",
        qps: "number",
        burst: "integer",
      },
    },
    enableProfiling: "boolean",
    enableContentionProfiling: "boolean",
    percentageOfNodesToScore: "integer",
    podInitialBackoffSeconds: "integer",
    podMaxBackoffSeconds: "integer",
    delayCacheUntilActive: "boolean",
    profiles: {
      list: {
        fields: {
          schedulerName: "string",
          percentageOfNodesToScore: "integer",
          plugins: { fields: Object.fromEntries(points.map((point) => [point, pluginSet])) },
          pluginConfig: { list: { fields: { name: "string", args: "anything" } } },
        },
      },
    },
    extenders: {
      list: {
        fields: {
          urlPrefix: "string",
          filterVerb: "string",
          preemptVerb: "string",
          prioritizeVerb: "string",
          weight: "integer",
          bindVerb: "string",
          enableHTTPS: "boolean",
          tlsConfig: {
            fields: {
              insecure: "boolean",
              serverName: "string",
              certFile: "string",
              keyFile: "string",
              caFile: "string",
              certData: "string",
              keyData: "string",
              caData: "string",
            },
          },
          httpTimeout: "duration",
          nodeCacheCapable: "boolean",
          managedResources: { list: { fields: { name: "string", ignoredByScheduler: "boolean" } } },
          ignorable: "boolean",
        },
      },
    },
  },
};

/** The file as it was written. */
interface ConfigurationFile {
  readonly parallelism?: number;
  readonly leaderElection?: {
    readonly leaderElect?: boolean;
    readonly leaseDuration?: string;
    readonly renewDeadline?: string;
    readonly retryPeriod?: string;
    readonly resourceLock?: string;
    readonly resourceName?: string;
    readonly resourceNamespace?: string;
  };
  readonly clientConnection?: {
    readonly kubeconfig?: string;
    readonly acceptContentTypes?: string;
    readonly contentType?: string;
    readonly qps?: number;
    readonly burst?: number;
  };
  readonly enableProfiling?: boolean;
  readonly enableContentionProfiling?: boolean;
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly delayCacheUntilActive?: boolean;
  readonly profiles?: readonly ProfileFile[];
  readonly extenders?: readonly (Omit<ExtenderSpec, "httpTimeoutMs"> & { readonly httpTimeout?: string })[];
}

/** Reads a configuration, or says everything that is wrong with it. Pure. */
export function readConfiguration(
  given: unknown,
): { readonly configuration: Configuration } | { readonly problems: readonly string[] } {
  const { apiVersion: version, kind } = (given ?? {}) as { apiVersion?: unknown; kind?: unknown };
  if (version !== apiVersion || kind !== "KubeSchedulerConfiguration")
    return {
      problems: [
        `couldn't decode as KubeSchedulerConfiguration, got ${String(kind)} of ${String(version)}: only ${apiVersion} is known`,
      ],
    };
  const form = shapeProblems(given, fileShape, "");
  if (form.length > 0) return { problems: form };
  const file = withoutNulls(given, fileShape) as ConfigurationFile;
  const problems = problemsOf(file);
  return problems.length > 0 ? { problems } : { configuration: complete(file) };
}

const milliseconds = (text: string | undefined, otherwise: number): number => {
  const read = text === undefined ? undefined : readGoDuration(text);
  return read?.ok ? read.nanoseconds / 1e6 : otherwise;
};

function complete(file: ConfigurationFile): Configuration {
  const { leaderElection: election = {}, clientConnection = {} } = file;
  const ignored = (file.extenders ?? [])
    .flatMap(({ managedResources = [] }): readonly ManagedResource[] => managedResources)
    .flatMap(({ name, ignoredByScheduler }) => (ignoredByScheduler ? [name] : []));
  return {
    profiles: profilesOf(file).map((profile) =>
      profileSpec(profile, file.percentageOfNodesToScore ?? 0, ignored),
    ),
    extenders: (file.extenders ?? []).map(({ httpTimeout, ...extender }) => {
      const httpTimeoutMs = milliseconds(httpTimeout, 0);
      return httpTimeoutMs === 0 ? extender : { ...extender, httpTimeoutMs };
    }),
    backoff: {
      firstMs: (file.podInitialBackoffSeconds ?? 1) * 1_000,
      mostMs: (file.podMaxBackoffSeconds ?? 10) * 1_000,
    },
    kubeconfig: clientConnection.kubeconfig || undefined,
    election: {
      isOn: election.leaderElect ?? true,
      name: election.resourceName || "kube-scheduler",
      namespace: election.resourceNamespace || "kube-system",
      times: {
        leaseDurationMs: milliseconds(election.leaseDuration, 15_000),
        renewDeadlineMs: milliseconds(election.renewDeadline, 10_000),
        retryPeriodMs: milliseconds(election.retryPeriod, 2_000),
      },
    },
  };
}

/** A single profile may go without a name. */
function profilesOf({ profiles = [] }: ConfigurationFile): readonly ProfileFile[] {
  const given = profiles.length > 0 ? profiles : [{}];
  return given.length === 1 ? given.map((one) => ({ schedulerName: "default-scheduler", ...one })) : given;
}

function problemsOf(file: ConfigurationFile): readonly string[] {
  const first = file.podInitialBackoffSeconds ?? 1;
  const most = file.podMaxBackoffSeconds ?? 10;
  const percentage = file.percentageOfNodesToScore ?? 0;
  return [
    ...electionProblems(file),
    ...refusals(file),
    ...profilesProblems(profilesOf(file)),
    ...(percentage < 0 || percentage > 100
      ? [invalid("percentageOfNodesToScore", percentage, "not in valid range [0-100]")]
      : []),
    ...(first <= 0 ? [invalid("podInitialBackoffSeconds", first, "must be greater than 0")] : []),
    ...(most < first
      ? [invalid("podMaxBackoffSeconds", most, "must be greater than or equal to PodInitialBackoffSeconds")]
      : []),
    ...extendersProblems(file.extenders ?? []),
  ];
}

function electionProblems({ leaderElection = {} }: ConfigurationFile): readonly string[] {
  if (leaderElection.leaderElect === false) return [];
  const at = "leaderElection";
  const lease = milliseconds(leaderElection.leaseDuration, 15_000);
  const renew = milliseconds(leaderElection.renewDeadline, 10_000);
  const retry = milliseconds(leaderElection.retryPeriod, 2_000);
  const positive = (name: string, value: number) =>
    value > 0 ? [] : [invalid(`${at}.${name}`, value, "must be greater than zero")];
  return [
    ...positive("leaseDuration", lease),
    ...positive("renewDeadline", renew),
    ...positive("retryPeriod", retry),
    ...(lease < renew
      ? [
          invalid(
            `${at}.leaseDuration`,
            leaderElection.renewDeadline ?? "10s",
            "LeaseDuration must be greater than RenewDeadline",
          ),
        ]
      : []),
    ...((leaderElection.resourceLock ?? "leases") === "leases"
      ? []
      : [invalid(`${at}.resourceLock`, leaderElection.resourceLock, 'resourceLock value must be "leases"')]),
  ];
}

/** What this scheduler does not do is not accepted either. */
function refusals(file: ConfigurationFile): readonly string[] {
  const { parallelism = 16, clientConnection = {}, enableProfiling, enableContentionProfiling } = file;
  const json = "application/json";
  const { contentType, acceptContentTypes, qps, burst } = clientConnection;
  return [
    ...(parallelism <= 0
      ? [invalid("parallelism", parallelism, "should be an integer value greater than zero")]
      : parallelism === 16
        ? []
        : [invalid("parallelism", parallelism, "this scheduler decides on one thread: leave it out")]),
    ...(contentType === undefined || contentType === json
      ? []
      : [unsupported("clientConnection.contentType", contentType, [json])]),
    ...(!acceptContentTypes || acceptContentTypes === json
      ? []
      : [unsupported("clientConnection.acceptContentTypes", acceptContentTypes, [json])]),
    ...(qps === undefined || qps < 0
      ? []
      : [invalid("clientConnection.qps", qps, "requests are not held back here: leave it out, or -1")]),
    ...(burst === undefined || burst === 0
      ? []
      : [invalid("clientConnection.burst", burst, "requests are not held back here: leave it out")]),
    ...(enableProfiling ? [invalid("enableProfiling", true, "profiles are not served here")] : []),
    ...(enableContentionProfiling
      ? [invalid("enableContentionProfiling", true, "profiles are not served here")]
      : []),
    ...(file.delayCacheUntilActive
      ? [invalid("delayCacheUntilActive", true, "a standby follows the cluster here")]
      : []),
  ];
}
