import assert from "node:assert/strict";
import fc from "fast-check";
import type { Node, Pod } from "../../../client/types.ts";
import type { SchedulerCache } from "../cache.ts";
import { hostKey, sketchCache, sketchNode, sketchPod, zoneKey } from "../testing/cluster.ts";
import { testProfile } from "../testing/test-profile.ts";
import type { PreparedFilter } from "./plugin.ts";
import { podInfo } from "./pod-info.ts";
import { pluginsOf } from "./profile.ts";

const nodeNames = ["n0", "n1", "n2", "n3"];
const zones = ["a", "b", undefined];
const apps = ["x", "y"];

const term = fc.record({ app: fc.constantFrom(...apps), key: fc.constantFrom(hostKey, zoneKey) });
const pods = fc.record({
  name: fc.integer({ min: 0, max: 5 }).map((at) => `p${at}`),
  node: fc.constantFrom(...nodeNames),
  app: fc.constantFrom(...apps),
  near: fc.option(term, { nil: undefined }),
  away: fc.option(term, { nil: undefined }),
  wish: fc.option(fc.record({ term, weight: fc.integer({ min: 1, max: 100 }) }), { nil: undefined }),
  dislike: fc.option(fc.record({ term, weight: fc.integer({ min: 1, max: 100 }) }), { nil: undefined }),
  spread: fc.option(
    fc.record({
      key: fc.constantFrom(hostKey, zoneKey),
      maxSkew: fc.integer({ min: 1, max: 2 }),
      minDomains: fc.integer({ min: 1, max: 3 }),
    }),
    { nil: undefined },
  ),
});
type Sketch = typeof pods extends fc.Arbitrary<infer T> ? T : never;

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("place" as const), pod: pods }),
    fc.record({
      do: fc.constant("remove" as const),
      name: fc.integer({ min: 0, max: 5 }).map((at) => `p${at}`),
    }),
    fc.record({
      do: fc.constant("node" as const),
      name: fc.constantFrom(...nodeNames),
      zone: fc.constantFrom(...zones),
      tainted: fc.boolean(),
    }),
    fc.record({ do: fc.constant("dropNode" as const), name: fc.constantFrom(...nodeNames) }),
    fc.record({ do: fc.constant("ask" as const), pod: pods }),
  ),
  { maxLength: 40, size: "max" },
);

const affinityTerm = ({ app, key }: { app: string; key: string }) => ({
  topologyKey: key,
  labelSelector: { matchLabels: { app } },
});

function podOf({ name, app, near, away, wish, dislike, spread }: Sketch): Pod {
  const weighted = (one: NonNullable<Sketch["wish"]>) => [
    { weight: one.weight, podAffinityTerm: affinityTerm(one.term) },
  ];
  return sketchPod(name, {
    labels: { app },
    cpu: "1m",
    spec: {
      affinity: {
        podAffinity: {
          ...(near && { requiredDuringSchedulingIgnoredDuringExecution: [affinityTerm(near)] }),
          ...(wish && { preferredDuringSchedulingIgnoredDuringExecution: weighted(wish) }),
        },
        podAntiAffinity: {
          ...(away && { requiredDuringSchedulingIgnoredDuringExecution: [affinityTerm(away)] }),
          ...(dislike && { preferredDuringSchedulingIgnoredDuringExecution: weighted(dislike) }),
        },
      },
      ...(spread && {
        topologySpreadConstraints: [
          {
            maxSkew: spread.maxSkew,
            minDomains: spread.minDomains,
            topologyKey: spread.key,
            whenUnsatisfiable: "DoNotSchedule" as const,
            labelSelector: { matchLabels: { app } },
          },
        ],
      }),
    },
  });
}

/** The cluster as a list, asked by going through all of it. */
class Model {
  readonly nodes = new Map<string, Node>();
  readonly pods = new Map<string, { readonly sketch: Sketch; readonly node: string }>();

  label = (node: string, key: string) => this.nodes.get(node)?.metadata.labels?.[key];

  /** Pods of the app in the same topology as the node. */
  count(node: string, { app, key }: { app: string; key: string }): number {
    const value = this.label(node, key);
    if (value === undefined) return 0;
    return [...this.pods.values()].filter(
      (one) => one.sketch.app === app && this.label(one.node, key) === value,
    ).length;
  }

  allows(pod: Sketch, node: string): boolean {
    if (pod.near !== undefined) {
      const { near } = pod;
      if (this.label(node, near.key) === undefined) return false;
      const some = [...this.pods.values()].some(
        ({ sketch, node: at }) => sketch.app === near.app && this.label(at, near.key) !== undefined,
      );
      const first = !some && pod.app === near.app;
      if (this.count(node, near) === 0 && !first) return false;
    }
    if (pod.away !== undefined && this.count(node, pod.away) > 0) return false;
    for (const { sketch, node: at } of this.pods.values()) {
      const { away } = sketch;
      if (away?.app !== pod.app) continue;
      const value = this.label(at, away.key);
      if (value !== undefined && this.label(node, away.key) === value) return false;
    }
    if (pod.spread === undefined) return true;
    const { key, maxSkew, minDomains } = pod.spread;
    if (this.label(node, key) === undefined) return false;
    const domains = new Map<string, number>();
    for (const name of this.nodes.keys()) {
      const value = this.label(name, key);
      if (value !== undefined) domains.set(value, this.count(name, { app: pod.app, key }));
    }
    const least = domains.size < minDomains ? 0 : Math.min(...domains.values());
    return this.count(node, { app: pod.app, key }) + 1 - least <= maxSkew;
  }

  /** What the pod and those already there think of the node. */
  attraction(pod: Sketch, node: string): number {
    let sum = 0;
    if (pod.wish) sum += pod.wish.weight * this.count(node, pod.wish.term);
    if (pod.dislike) sum -= pod.dislike.weight * this.count(node, pod.dislike.term);
    for (const { sketch, node: at } of this.pods.values()) {
      const near = (one: { app: string; key: string } | undefined) =>
        one?.app === pod.app &&
        this.label(at, one.key) !== undefined &&
        this.label(at, one.key) === this.label(node, one.key);
      if (near(sketch.near)) sum += 1;
      if (sketch.wish && near(sketch.wish.term)) sum += sketch.wish.weight;
      if (sketch.dislike && near(sketch.dislike.term)) sum -= sketch.dislike.weight;
    }
    return sum;
  }
}

/** What the plugins that count by topology prepare. */
function filtersOf(cache: SchedulerCache, pod: Pod): readonly PreparedFilter[] {
  return pluginsOf(testProfile(cache))
    .filter(({ name }) => ["InterPodAffinity", "PodTopologySpread"].includes(name))
    .flatMap(({ prepareFilter }) => prepareFilter?.(podInfo(pod), cache) ?? []);
}

describe("controlplane/scheduler/cycle: what is counted by index", () => {
  const play = (
    given: typeof steps extends fc.Arbitrary<infer T> ? T : never,
    ask: (cache: SchedulerCache, model: Model, pod: Sketch) => void,
  ) => {
    const cache = sketchCache([]);
    const model = new Model();
    for (const [at, name] of nodeNames.slice(1).entries()) {
      const zone = zones[at % zones.length];
      const node = sketchNode(name, zone === undefined ? {} : { zone });
      model.nodes.set(name, node);
      cache.putNode(node);
    }
    for (const step of given) {
      if (step.do === "place") {
        model.pods.set(step.pod.name, { sketch: step.pod, node: step.pod.node });
        const pod = podOf(step.pod);
        cache.putPod({ ...pod, spec: { ...pod.spec, nodeName: step.pod.node } });
      } else if (step.do === "remove") {
        model.pods.delete(step.name);
        cache.deletePod(`n/${step.name}`);
      } else if (step.do === "node") {
        const taints = step.tainted ? { taints: [{ key: "k", effect: "PreferNoSchedule" }] } : {};
        const node = sketchNode(step.name, { ...(step.zone && { zone: step.zone }), spec: taints });
        model.nodes.set(step.name, node);
        cache.putNode(node);
      } else if (step.do === "dropNode") {
        model.nodes.delete(step.name);
        cache.deleteNode(step.name);
      } else ask(cache, model, { ...step.pod, name: "asked" });
    }
  };

  it("filters as a model that counts anew each time, whatever came, went and changed before", () => {
    fc.assert(
      fc.property(steps, (given) =>
        play(given, (cache, model, sketch) => {
          const filters = filtersOf(cache, podOf(sketch));
          for (const node of cache.nodes)
            assert.equal(
              filters.every(({ filter }) => filter?.(node) === undefined),
              model.allows(sketch, node.name),
              node.name,
            );
        }),
      ),
      { numRuns: 200 },
    );
  });

  it("scores attraction as a model that counts anew each time", () => {
    fc.assert(
      fc.property(steps, (given) =>
        play(given, (cache, model, sketch) => {
          const plugin = pluginsOf(testProfile(cache)).find(({ name }) => name === "InterPodAffinity");
          const prepared = plugin?.prepareScore?.(podInfo(podOf(sketch)), cache, cache.nodes);
          for (const node of cache.nodes)
            assert.equal(prepared?.score(node) ?? 0, model.attraction(sketch, node.name), node.name);
        }),
      ),
      { numRuns: 200 },
    );
  });

  it("removing a pod on trial judges as if it were gone, and adding it again undoes that", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 5 }), (given, victim) =>
        play(given, (cache, model, sketch) => {
          const key = `n/p${victim}`;
          const node = cache.nodes.find(({ pods: there }) => there.has(key));
          const gone = node?.pods.get(key);
          const held = model.pods.get(`p${victim}`);
          if (node === undefined || gone === undefined || held === undefined) return;
          const filters = filtersOf(cache, podOf(sketch));
          const verdicts = () =>
            cache.nodes.map((one) => filters.every(({ filter }) => filter?.(one) === undefined));
          const before = verdicts();
          for (const { remove } of filters) remove?.(gone, node);
          model.pods.delete(`p${victim}`);
          // A filter that had nothing to say has nothing to undo: it allowed every node with the pod there.
          const wanted = cache.nodes.map(({ name }) => model.allows(sketch, name));
          const without = verdicts();
          model.pods.set(`p${victim}`, held);
          for (const { add } of filters) add?.(gone, node);
          assert.deepEqual(without, wanted);
          assert.deepEqual(verdicts(), before);
        }),
      ),
      { numRuns: 200 },
    );
  });
});
