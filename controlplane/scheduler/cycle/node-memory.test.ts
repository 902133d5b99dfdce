import assert from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../../../base/os/random.ts";
import type { Node, Pod } from "../../../client/types.ts";
import type { SchedulerCache } from "../cache.ts";
import { sketchCache, sketchNode, sketchPod } from "../testing/cluster.ts";
import { testProfile } from "../testing/test-profile.ts";
import { findNodes } from "./filter-nodes.ts";
import { noMeasure } from "./measure.ts";
import { NodeInfo } from "./node-info.ts";
import { NodeMemory, questionsMost, recalled } from "./node-memory.ts";
import { podInfo } from "./pod-info.ts";
import { schedule } from "./schedule.ts";
import { scoreNodes } from "./score-nodes.ts";

const nodeNames = ["n0", "n1", "n2"];
const taint = (effect: string) => ({ key: "k", effect });
const toleration = { key: "k", operator: "Exists" };

const nodes = fc.record({
  name: fc.constantFrom(...nodeNames),
  cpu: fc.constantFrom("1", "2"),
  labelled: fc.boolean(),
  unschedulable: fc.boolean(),
  taint: fc.constantFrom(undefined, "NoSchedule", "PreferNoSchedule"),
});
const pods = fc.record({
  name: fc.constantFrom("p0", "p1", "p2", "p3"),
  cpu: fc.constantFrom("400m", "800m"),
  hostPort: fc.boolean(),
  tolerates: fc.boolean(),
  selects: fc.boolean(),
  wishes: fc.boolean(),
});
type NodeSketch = typeof nodes extends fc.Arbitrary<infer T> ? T : never;
type PodSketch = typeof pods extends fc.Arbitrary<infer T> ? T : never;

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("node" as const), node: nodes }),
    fc.record({ do: fc.constant("dropNode" as const), name: fc.constantFrom(...nodeNames) }),
    fc.record({ do: fc.constant("place" as const), pod: pods, on: fc.constantFrom(...nodeNames) }),
    fc.record({ do: fc.constant("remove" as const), pod: pods }),
    fc.record({ do: fc.constant("ask" as const), pod: pods }),
  ),
  { maxLength: 40, size: "max" },
);

function nodeOf({ name, cpu, labelled, unschedulable, taint: effect }: NodeSketch): Node {
  const spec = { unschedulable, ...(effect && { taints: [taint(effect)] }) };
  const node = sketchNode(name, { cpu, spec });
  return { ...node, metadata: { ...node.metadata, labels: { ...(labelled && { disk: "ssd" }) } } };
}

function podOf({ name, cpu, hostPort, tolerates, selects, wishes }: PodSketch): Pod {
  const preference = { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] };
  const preferredDuringSchedulingIgnoredDuringExecution = [{ weight: 7, preference }];
  const pod = sketchPod(name, { cpu });
  const container = {
    ...pod.spec.containers[0],
    name: "c",
    ...(hostPort && { ports: [{ containerPort: 80, hostPort: 80 }] }),
  };
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: [container],
      ...(tolerates && { tolerations: [toleration] }),
      ...(selects && { nodeSelector: { disk: "ssd" } }),
      ...(wishes && { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } } }),
    },
  };
}

/** Which nodes the pod fits and how good they are, and why it fits none of the others. */
function answers(cache: SchedulerCache, pod: Pod) {
  const info = podInfo(pod);
  const profile = testProfile(cache);
  const options = { percentageOfNodesToScore: 100, startAt: 0, measure: noMeasure };
  const { feasible, refusals, error } = findNodes(info, cache, profile, options);
  const totals = feasible.length === 0 ? [] : scoreNodes(info, cache, feasible, profile, noMeasure);
  return {
    scores: feasible.map(({ name }, at) => [name, totals[at]]).sort(),
    refusals: cache.nodes.map(({ name }) => [name, refusals.of(name)]).sort(),
    reasons: [...error.reasons].sort(),
  };
}

/** Where an important pod goes, and who leaves for it. */
function decided(cache: SchedulerCache, pod: Pod) {
  const important = podInfo({ ...pod, spec: { ...pod.spec, priority: 5 } });
  const decision = schedule(important, cache, testProfile(cache), { startAt: 0 }, new Prng(1));
  if (decision.outcome !== "unschedulable" || decision.rescue?.outcome !== "nominated") return decision;
  const { node, victims } = decision.rescue;
  return { node, victims: victims.map(({ key }) => key) };
}

describe("controlplane/scheduler/cycle/node-memory", () => {
  it("filters, scores and makes room as if it had asked every node anew", () => {
    fc.assert(
      fc.property(steps, (given) => {
        const cache = sketchCache([]);
        const there = new Map<string, Node>();
        const placed = new Map<string, Pod>();
        for (const step of given) {
          if (step.do === "node") {
            const node = nodeOf(step.node);
            there.set(step.node.name, node);
            cache.putNode(node);
          } else if (step.do === "dropNode") {
            there.delete(step.name);
            cache.deleteNode(step.name);
          } else if (step.do === "place") {
            const pod = podOf(step.pod);
            const bound = { ...pod, spec: { ...pod.spec, nodeName: step.on } };
            placed.delete(step.pod.name); // what is placed anew comes last
            placed.set(step.pod.name, bound);
            cache.putPod(bound);
          } else if (step.do === "remove") {
            placed.delete(step.pod.name);
            cache.deletePod(`n/${step.pod.name}`);
          } else {
            const asked = podOf({ ...step.pod, name: "p3" });
            const anew = sketchCache([...there.values()]);
            for (const pod of placed.values()) anew.putPod(pod);
            assert.deepEqual(answers(cache, asked), answers(anew, asked));
            assert.deepEqual(decided(cache, asked), decided(anew, asked));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it("asks a node again only when it, or a pod on it, changed", () => {
    const cache = sketchCache([sketchNode("n0")]);
    const node = cache.node("n0") as NodeInfo;
    const memory = new NodeMemory<number>();
    let asked = 0;
    const ask = () => recalled(memory.question("q"), node, () => ++asked);
    assert.deepEqual([ask(), ask()], [1, 1]);
    cache.putPod({ ...sketchPod("p"), spec: { ...sketchPod("p").spec, nodeName: "n0" } });
    assert.deepEqual([ask(), ask()], [2, 2]);
    cache.putNode(sketchNode("n0", { cpu: "8" }));
    assert.deepEqual([ask(), ask()], [3, 3]);
  });

  it("keeps nothing of copies on which changes are tried", () => {
    const copy = new NodeInfo(sketchNode("n0")).clone();
    const kept = new NodeMemory<number>().question("q");
    let asked = 0;
    assert.deepEqual([recalled(kept, copy, () => ++asked), recalled(kept, copy, () => ++asked)], [1, 2]);
    assert.equal(kept.size, 0);
  });

  it("lets the question go that was not asked for the longest", () => {
    const memory = new NodeMemory<number>();
    const node = new NodeInfo(sketchNode("n0"));
    for (let at = 0; at <= questionsMost; at++) {
      recalled(memory.question("kept"), node, () => 1);
      recalled(memory.question(`q${at}`), node, () => 1);
    }
    assert.equal(memory.size, questionsMost);
    assert.equal(
      recalled(memory.question("kept"), node, () => 2),
      1,
    );
    assert.equal(
      recalled(memory.question("q0"), node, () => 2),
      2,
    );
  });
});
