import { resourceMetricsText } from "../../agent/stats/resource-metrics.ts";
import { volumeMetricsText } from "../../agent/stats/volume-metrics.ts";
import { sampleCadvisorText, sampleProbesText } from "./sample-node.ts";
import { sampleStateText } from "./sample-state.ts";
import { sampleSummary } from "./sample-summary.ts";

/** What a component shows at /metrics. */
export interface ShownMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Of the samples that there are; undefined where there is none. */
  readonly labels: ReadonlySet<string> | undefined;
}
export type MetricsByPart = ReadonlyMap<string, readonly ShownMetric[]>;

/** Reads Prometheus' text form. Pure. */
export function readMetrics(text: string): readonly ShownMetric[] {
  const labels = new Map<string, Set<string>>();
  for (const [, name = "", , written = ""] of text.matchAll(/^([a-zA-Z_:][\w:]*)(\{(.*)\})? \S+/gm)) {
    const found = labels.get(name) ?? new Set<string>();
    for (const [, label = ""] of written.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) found.add(label);
    labels.set(name, found);
  }
  const heads = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE (\S+) (\S+)$/gm)];
  return heads.map(([, name = "", help = "", , type = ""]) => ({
    name,
    type,
    help: help.replaceAll("\\n", "\n").replaceAll("\\\\", "\\"),
    labels: labels.get(type === "histogram" ? `${name}_count` : name),
  }));
}

/** How the parts of a `pintle up` with one member are asked. */
export interface AskedCluster {
  readonly ports: Readonly<Record<string, number>>;
  /** `kubectl get --raw`. */
  readonly raw: (path: string) => Promise<string>;
}

/** What each part of a running cluster shows. */
export async function runningMetrics({ ports, raw }: AskedCluster): Promise<MetricsByPart> {
  const plain = async (port: string, path = "/metrics") =>
    (await fetch(`http://127.0.0.1:${ports[port]}${path}`)).text();
  // What a node tells of its pods depends on which there are: these texts are made of a summary with one of each.
  const volumes = volumeMetricsText(sampleSummary.pods.flatMap(({ volume = [] }) => volume));
  const texts: Readonly<Record<string, Promise<string>>> = {
    Store: plain("store-metrics-1"),
    "API server": raw("/metrics"),
    "API server, /metrics/slis": raw("/metrics/slis"),
    Scheduler: plain("scheduler-1"),
    "Controller manager": plain("controller-manager-1"),
    "Controller manager, /metrics/state": Promise.resolve(sampleStateText()),
    Agent: raw("/api/v1/nodes/node-1/proxy/metrics").then((text) => text + volumes),
    "Agent, /metrics/cadvisor": Promise.resolve(sampleCadvisorText()),
    "Agent, /metrics/probes": Promise.resolve(sampleProbesText()),
    "Agent, /metrics/resource": Promise.resolve(resourceMetricsText(sampleSummary)),
  };
  const read = Object.entries(texts).map(async ([part, text]) => [part, readMetrics(await text)] as const);
  return new Map(await Promise.all(read));
}
