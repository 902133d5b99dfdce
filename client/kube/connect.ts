import type { Log } from "../../base/os/log.ts";
import { loadKubeconfig, type RestConfig } from "../kubeconfig.ts";
import { RestClient } from "../rest.ts";
import { inClusterConfig } from "./in-cluster.ts";
import { KubeClient } from "./kube-client.ts";
import { type LogLine, logTo, warningsToStderr } from "./log-lines.ts";
import { type Metrics, meterOf } from "./metrics.ts";

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
  /** What informers and controllers have to say. Warnings and errors go to standard error by default. */
  readonly onLog?: (line: LogLine) => void;
}

/** A client of a cluster. No request is made yet. Throws `UsageError` saying what is wrong with the kubeconfig. */
export function connectCluster(options: ConnectOptions = {}): KubeClient {
  const userAgent = options.userAgent ?? "pintle-client";
  const log: Log = options.onLog === undefined ? warningsToStderr : logTo(options.onLog);
  const rest = new RestClient(configOf(options), {
    userAgent,
    ...(options.metrics && { metrics: meterOf(options.metrics) }),
  });
  return new KubeClient(rest, { fieldManager: options.fieldManager ?? userAgent, log });
}

function configOf({ config, kubeconfig, kubeconfigText, context }: ConnectOptions): RestConfig {
  if (config !== undefined) return config;
  if (kubeconfigText !== undefined)
    return loadKubeconfig("the kubeconfig given as text", { context, readFile: () => kubeconfigText });
  const isNamed = kubeconfig !== undefined || context !== undefined || Boolean(process.env.KUBECONFIG);
  return (isNamed ? undefined : inClusterConfig()) ?? loadKubeconfig(kubeconfig, { context });
}
