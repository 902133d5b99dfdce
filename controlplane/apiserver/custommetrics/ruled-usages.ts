import type { Log } from "../../../base/os/log.ts";
import type { KubeObject, Pod } from "../../../client/types.ts";
import type { Kinds, ServedKind } from "../registry/kind-table.ts";
import type { NodeUsage, PodUsage, Usage } from "../resourcemetrics/read-summary.ts";
import type { Sample } from "./query/evaluate.ts";
import { kindNamed, labelFor } from "./rules/label-resources.ts";
import { matchersOf } from "./rules/metrics-query.ts";
import type { QueryTemplate } from "./rules/query-template.ts";
import type { ResourceRule, ResourceRules } from "./rules/read-resource-rules.ts";
import type { MetricsSource } from "./source.ts";

export interface RuledUsagesDeps {
  readonly rules: ResourceRules;
  readonly source: Pick<MetricsSource, "query">;
  readonly kinds: Kinds;
  readonly pods: () => Promise<readonly KubeObject[]>;
  readonly log: Log;
}

const namesAtOnceMax = 500;

/** What nodes and pods use, asked of a Prometheus as `resourceRules` say, in place of the nodes. */
export class RuledUsages {
  readonly #deps: RuledUsagesDeps;

  constructor(deps: RuledUsagesDeps) {
    this.#deps = deps;
  }

  /** By node name; what is not there is left out. Rejects with the signal's reason. */
  async of(nodes: readonly KubeObject[], signal: AbortSignal): Promise<ReadonlyMap<string, NodeUsage>> {
    const names = nodes.map(({ metadata }) => metadata.name);
    const wanted = new Set(names);
    const pods = (await this.#deps.pods()).filter((pod) => wanted.has(nodeNameOf(pod)));
    const [ofNodes, ofPods] = await Promise.all([this.#ofNodes(names, signal), this.#ofPods(pods, signal)]);
    const podsOf = new Map<string, Map<string, PodUsage>>();
    for (const pod of pods) {
      const usage = ofPods.get(`${pod.metadata.namespace}/${pod.metadata.name}`);
      if (usage === undefined) continue;
      const known = podsOf.get(nodeNameOf(pod)) ?? new Map<string, PodUsage>();
      podsOf.set(nodeNameOf(pod), known.set(pod.metadata.uid ?? "", usage));
    }
    return new Map(
      names.map((name) => [name, { node: ofNodes.get(name), pods: podsOf.get(name) ?? new Map() }]),
    );
  }

  close(): void {}

  async #ofNodes(names: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, Usage>> {
    const asked: AskedUsages = { plural: "nodes", names, namespace: undefined };
    const { cpu, memory } = await this.#both(asked, (rule) => rule.nodeQuery, signal);
    const found = new Map<string, Usage>();
    for (const [name, [used]] of cpu) {
      const usage = this.#usage(used, memory.get(name)?.[0]);
      if (used !== undefined && memory.has(name) && usage !== undefined) found.set(name, usage);
    }
    return found;
  }

  /** By `namespace/name`. */
  async #ofPods(pods: readonly KubeObject[], signal: AbortSignal): Promise<ReadonlyMap<string, PodUsage>> {
    const byNamespace = new Map<string, string[]>();
    for (const { metadata } of pods) {
      const names = byNamespace.get(metadata.namespace ?? "") ?? [];
      byNamespace.set(metadata.namespace ?? "", [...names, metadata.name]);
    }
    const found = new Map<string, PodUsage>();
    const { rules } = this.#deps;
    await Promise.all(
      [...byNamespace].map(async ([namespace, names]) => {
        const asked: AskedUsages = { plural: "pods", names, namespace };
        const { cpu, memory } = await this.#both(asked, (rule) => rule.containerQuery, signal);
        for (const name of names) {
          const cores = byLabel(cpu.get(name), rules.cpu.containerLabel);
          const bytes = byLabel(memory.get(name), rules.memory.containerLabel);
          if (cores.size === 0 || bytes.size === 0) continue;
          const containers = new Set([...cores.keys(), ...bytes.keys()]);
          const usages = [...containers].map(
            (one) => [one, this.#usage(cores.get(one), bytes.get(one))] as const,
          );
          found.set(`${namespace}/${name}`, new Map(usages));
        }
      }),
    );
    return found;
  }

  async #both(
    asked: AskedUsages,
    queryOf: (rule: ResourceRule) => QueryTemplate,
    signal: AbortSignal,
  ): Promise<{ readonly cpu: Samples; readonly memory: Samples }> {
    const { rules, log } = this.#deps;
    try {
      const [cpu, memory] = await Promise.all(
        [rules.cpu, rules.memory].map((rule) => this.#ask(rule, queryOf(rule), asked, signal)),
      );
      return { cpu: cpu ?? new Map(), memory: memory ?? new Map() };
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      log.warn("resource metrics are not fetched", {
        of: asked.plural,
        namespace: asked.namespace ?? "",
        why,
      });
      return { cpu: new Map(), memory: new Map() };
    }
  }

  /** By the object's name. */
  async #ask(
    rule: ResourceRule,
    query: QueryTemplate,
    { plural, names, namespace }: AskedUsages,
    signal: AbortSignal,
  ): Promise<Samples> {
    const label = this.#label(rule, plural);
    const found = new Map<string, Sample[]>();
    for (let from = 0; from < names.length; from += namesAtOnceMax) {
      const { matchers, values } = matchersOf({
        metricSelector: [],
        namespace:
          namespace === undefined ? undefined : { label: this.#label(rule, "namespaces"), name: namespace },
        objects: { label, names: names.slice(from, from + namesAtOnceMax) },
      });
      const groupBy = [label, ...(plural === "pods" ? [rule.containerLabel] : [])];
      const text = query.query({
        series: "",
        labelMatchers: matchers.join(","),
        labelValuesByName: values,
        groupBy,
      });
      const result = await this.#deps.source.query(text, signal);
      if (result.type !== "vector") throw new Error(`${rule.place}: a number, where series were expected`);
      for (const sample of result.samples) {
        const name = sample.labels.get(label) ?? "";
        found.set(name, [...(found.get(name) ?? []), sample]);
      }
    }
    return found;
  }

  #label(rule: ResourceRule, plural: string): string {
    const { kinds } = this.#deps;
    const kind: ServedKind | undefined = kindNamed(kinds, "", plural);
    const label = kind && labelFor(rule.resources, kind, kinds);
    if (label === undefined) throw new Error(`${rule.place}.resources: no label stands for ${plural}`);
    return label;
  }

  /** Where only one of the two is there, the other is nothing. */
  #usage(cores: Sample | undefined, bytes: Sample | undefined): Usage | undefined {
    const times = [cores, bytes].flatMap((one) => (one === undefined ? [] : [one.atMs]));
    const milli = Math.trunc((cores?.value ?? 0) * 1000);
    const workingSetBytes = Math.trunc(bytes?.value ?? 0);
    const isWell = [milli, workingSetBytes].every((one) => Number.isSafeInteger(one) && one >= 0);
    if (times.length === 0 || !isWell || !Number.isSafeInteger(milli * 1e6)) return undefined;
    const { windowMs } = this.#deps.rules;
    return { nanoCores: milli * 1e6, workingSetBytes, atMs: Math.min(...times), windowMs };
  }
}

interface AskedUsages {
  readonly plural: "nodes" | "pods";
  readonly names: readonly string[];
  readonly namespace: string | undefined;
}
type Samples = ReadonlyMap<string, readonly Sample[]>;

const nodeNameOf = (pod: KubeObject) => (pod as unknown as Pod).spec.nodeName ?? "";

function byLabel(samples: readonly Sample[] = [], label: string): ReadonlyMap<string, Sample> {
  return new Map(samples.map((sample) => [sample.labels.get(label) ?? "", sample]));
}
