import type { Log } from "../../base/os/log.ts";
import { shown } from "../../base/shown.ts";
import { loadKubeconfig, type RestConfig } from "../kubeconfig.ts";
import { RestClient } from "../rest.ts";
import { inClusterConfig } from "./in-cluster.ts";
import { KubeClient } from "./kube-client.ts";
import { type LogLine, logTo, warningsToStderr } from "./log-lines.ts";
import { type Metrics, meterOf } from "./metrics.ts";
import { warningsTo } from "./server-warnings.ts";

export interface ConnectOptions {
  /** A kubeconfig file. Without it: the files of $KUBECONFIG, else the service account of the pod that this process runs in, else
   *  ~/.kube/config. */
  readonly kubeconfig?: string;
  /** A kubeconfig's text in place of a file. */
  readonly kubeconfigText?: string;
  /** Of the kubeconfig; the current one by default. */
  readonly context?: string;
  /** Servers, certificates and tokens as they are, in place of a kubeconfig. */
  readonly config?: RestConfig;
  /** Names the program to the server: `pintle-client` by default. */
  readonly userAgent?: string;
  /** Who applies; the `userAgent` by default. */
  readonly fieldManager?: string;
  /** Where requests are counted, under Kubernetes' names. */
  readonly metrics?: Metrics;
  /** What informers and controllers have to say, and what servers warn of. Warnings and errors go to standard error by default. */
  readonly onLog?: (line: LogLine) => void;
}

/** A client of a cluster. No request is made yet. Throws `UsageError` saying what is wrong with the kubeconfig, and `TypeError` for
 *  options: one that were passed over might lead to another cluster. */
export function connectCluster(options: ConnectOptions = {}): KubeClient {
  const problems = connectProblems(options);
  if (problems.length > 0) throw new TypeError(problems.join("\n"));
  const userAgent = options.userAgent ?? "pintle-client";
  const log: Log = options.onLog === undefined ? warningsToStderr : logTo(options.onLog);
  const rest = new RestClient(configOf(options), {
    userAgent,
    onWarning: warningsTo(log),
    ...(options.metrics && { metrics: meterOf(options.metrics) }),
  });
  return new KubeClient(rest, { fieldManager: options.fieldManager ?? userAgent, log });
}

const texts: readonly string[] = ["kubeconfig", "kubeconfigText", "context", "userAgent", "fieldManager"];
const known: readonly string[] = [...texts, "config", "metrics", "onLog"];

function connectProblems(options: unknown): readonly string[] {
  if (typeof options !== "object" || options === null)
    return [`options: ${shown(options)} must be an object`];
  const fields = options as Readonly<Record<string, unknown>>;
  const problems: string[] = [];
  for (const [field, value] of Object.entries(fields)) {
    if (!known.includes(field)) problems.push(`${field}: ${shown(value)} is none of ${known.join(", ")}`);
    else if (texts.includes(field) && value !== undefined && (typeof value !== "string" || value === ""))
      problems.push(`${field}: ${shown(value)} must be a text`);
  }
  const named = ["config", "kubeconfig", "kubeconfigText"].filter((one) => fields[one] !== undefined);
  if (named.length > 1) problems.push(`${named.join(" and ")} exclude each other`);
  if (fields.config !== undefined && fields.context !== undefined)
    problems.push("context: is of a kubeconfig, which config has none of");
  const { servers } = (fields.config ?? {}) as Partial<RestConfig>;
  const areUrls = Array.isArray(servers) && servers.length > 0 && servers.every((one) => URL.canParse(one));
  if (fields.config !== undefined && !areUrls)
    problems.push(`config.servers: ${shown(servers)} must be a list of URLs`);
  return problems;
}

function configOf({ config, kubeconfig, kubeconfigText, context }: ConnectOptions): RestConfig {
  if (config !== undefined) return config;
  if (kubeconfigText !== undefined)
    return loadKubeconfig("the kubeconfig given as text", { context, readFile: () => kubeconfigText });
  const isNamed = kubeconfig !== undefined || context !== undefined || Boolean(process.env.KUBECONFIG);
  return (isNamed ? undefined : inClusterConfig()) ?? loadKubeconfig(kubeconfig, { context });
}
