import { matchesLabels, parseSelector } from "../../../../base/label-selector.ts";
import type { KubeObject, Pod } from "../../../../client/types.ts";
import { podAddresses } from "../../reach/place.ts";
import type { ScrapeRule } from "../rules/rule.ts";

/** A page of a pod that is read. */
export interface Target {
  readonly key: string;
  readonly namespace: string;
  readonly pod: string;
  readonly node: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

const annotation = "prometheus.io/";

/** The pages of running pods that their annotations or the rules name. Pure. */
export function targetsOf(pods: readonly KubeObject[], rules: readonly ScrapeRule[]): readonly Target[] {
  const selectors = rules.map((rule) => ({ ...rule, selector: parseSelector(rule.podSelector) }));
  const found = new Map<string, Target>();
  for (const object of pods) {
    const pod = object as unknown as Pod;
    const [host] = podAddresses(object);
    const { nodeName } = pod.spec;
    if (pod.status?.phase !== "Running" || host === undefined || !nodeName) continue;
    const { name, namespace = "", uid = "", labels, deletionTimestamp } = object.metadata;
    if (deletionTimestamp !== undefined) continue;
    const add = (port: number, path: string) => {
      const key = `${uid}:${port}${path}`;
      found.set(key, { key, namespace, pod: name, node: nodeName, host, port, path });
    };
    const annotated = annotatedPage(pod);
    if (annotated !== undefined) add(annotated.port, annotated.path);
    for (const { selector, port, path } of selectors) if (matchesLabels(selector, labels)) add(port, path);
  }
  return [...found.values()];
}

function annotatedPage({
  metadata,
  spec,
}: Pod): { readonly port: number; readonly path: string } | undefined {
  const said = (name: string) => metadata.annotations?.[`${annotation}${name}`];
  if (said("scrape") !== "true" || (said("scheme") ?? "http") !== "http") return undefined;
  const first = spec.containers.flatMap(({ ports = [] }) => ports)[0]?.containerPort;
  const text = said("port") ?? String(first ?? "");
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  const path = said("path") || "/metrics";
  const isWell = port >= 1 && port <= 65_535 && path.length <= 1024 && /^\/[\x21-\x7e]*$/.test(path);
  return isWell ? { port, path } : undefined;
}
