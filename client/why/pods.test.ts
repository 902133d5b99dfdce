import assert from "node:assert/strict";
import { build } from "esbuild";
import type { Stored } from "../object-cache.ts";
import { resources } from "../resources.ts";
import type { Event, Pod } from "../types.ts";
import { explainClaim } from "./claims.ts";
import { explainPod } from "./explain-pod.ts";
import { Answers, Facts } from "./facts.ts";
import { findingsText, sentenceOf } from "./text.ts";
import type { Verdicts } from "./verdicts.ts";

const nowMs = Date.UTC(2026, 0, 1, 0, 1);

const podOf = (spec: object, status: object = {}, metadata: object = {}): Pod =>
  ({
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", uid: "u", ...metadata },
    spec: { containers: [{ name: "c", image: "i" }], ...spec },
    status,
  }) as unknown as Pod;

const nodeOf = (name: string, ready = "True", spec: object = {}) =>
  ({
    kind: "Node",
    metadata: { name, uid: name },
    spec,
    status: {
      conditions: [{ type: "Ready", status: ready, reason: "R", message: "m" }],
      allocatable: { cpu: "2", memory: "1Gi", pods: "110" },
    },
  }) as unknown as Stored;

interface Known {
  readonly nodes?: readonly Stored[];
  readonly claims?: readonly Stored[];
  readonly volumes?: readonly Stored[];
  readonly events?: readonly Event[];
  readonly verdicts?: Verdicts;
}

/** All that is asked for is known: these, and nothing else is there. */
function factsOf({ nodes = [], claims = [], volumes = [], events = [], verdicts }: Known, pod: Pod): Facts {
  const answers = new Answers();
  const lists: readonly (readonly [keyof typeof resources, readonly Stored[]])[] = [
    ["nodes", nodes],
    ["persistentvolumeclaims", claims],
    ["persistentvolumes", volumes],
    ["storageclasses", []],
    ["configmaps", []],
    ["secrets", []],
    ["networkpolicies", []],
  ];
  for (const [name, value] of lists)
    answers.set(
      { of: "list", resource: resources[name] as never, namespace: undefined },
      { is: "read", value },
    );
  answers.set({ of: "events", uid: "u", namespace: "shop" }, { is: "read", value: events });
  answers.set(
    { of: "verdicts", pod },
    verdicts === undefined ? { is: "refused", why: "" } : { is: "read", value: verdicts },
  );
  return new Facts(answers, nowMs);
}

const explain = (pod: Pod, known: Known = {}) => explainPod(pod, factsOf(known, pod));
const said = (pod: Pod, known: Known = {}) => explain(pod, known).map(sentenceOf)[0];
const event = (reason: string, message: string) =>
  ({ reason, message, involvedObject: { kind: "Pod", name: "web" } }) as Event;

describe("client/why: a pod", () => {
  it("is told of each node which plugin refused, and what would have to change", () => {
    const pod = podOf({ containers: [{ name: "c", resources: { requests: { cpu: "3" } } }] });
    const node = { allocatable: { cpu: 2000, pods: 110 }, requested: { cpu: 500 }, pods: 3 };
    const verdicts: Verdicts = {
      nowhere: undefined,
      nodes: [
        { name: "n1", refusal: { plugin: "NodeResourcesFit", reasons: ["Insufficient cpu"] }, ...node },
        {
          name: "n2",
          refusal: { plugin: "NodeUnschedulable", reasons: ["node(s) were unschedulable"] },
          ...node,
        },
        {
          name: "n3",
          refusal: { plugin: "TaintToleration", reasons: ["node(s) had untolerated taint(s)"] },
          ...node,
        },
      ],
    };
    const nodes = [
      nodeOf("n1"),
      nodeOf("n2", "True", { unschedulable: true }),
      nodeOf("n3", "True", { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] }),
    ];
    assert.equal(
      findingsText("pod/web", explain(pod, { nodes, verdicts })),
      `pod/web: none of 3 nodes takes it: 1: Insufficient cpu, 1: cordoned, 1: untolerated taint gpu=yes:NoSchedule (it requests 3000m of cpu, the largest node has 2000m)
  n1: NodeResourcesFit: Insufficient cpu; cpu: asks 3000m, free 1500m of 2000m
  n2: NodeUnschedulable: node(s) were unschedulable
  n3: TaintToleration: node(s) had untolerated taint(s)
  to change: a node so large, or requests of at most 2000m of cpu: it asks for 3000m
             its nodes are uncordoned
             a toleration of gpu=yes:NoSchedule, or the taint goes
  next: kubectl uncordon n2
        kubectl describe node n1
`,
    );
  });

  it("waits for the scheduler where a node would take it, and for nodes where there are none", () => {
    const node = { name: "n1", refusal: undefined, allocatable: {}, requested: {}, pods: 0 };
    const nodes = [nodeOf("n1")];
    assert.equal(
      said(podOf({}), { nodes, verdicts: { nowhere: undefined, nodes: [node] } }),
      "nothing keeps it from 1 of 1 nodes: it waits for the scheduler",
    );
    assert.equal(said(podOf({})), "there are no nodes");
    assert.equal(said(podOf({}), { nodes }), "no scheduler has looked at it yet");
  });

  it("is over, does not go, or is on a node that does not answer", () => {
    assert.equal(said(podOf({}, { phase: "Succeeded" })), undefined);
    assert.equal(
      said(podOf({}, { phase: "Failed", reason: "Shutdown", message: "m" })),
      "it failed for good: Shutdown: m",
    );
    const deleted = (metadata: object) => podOf({ nodeName: "n1" }, {}, metadata);
    const past = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    const nodes = [nodeOf("n1")];
    const silent = [nodeOf("n1", "Unknown")];
    assert.equal(
      said(deleted({ deletionTimestamp: "2026-01-01T00:01:20Z", deletionGracePeriodSeconds: 30 }), { nodes }),
      "it is being deleted, and has 20 s left of 30 s",
    );
    assert.equal(
      said(deleted({ ...past, finalizers: ["a/b"] }), { nodes }),
      "it is deleted, but the finalizer a/b keeps it",
    );
    assert.match(said(deleted(past), { nodes: silent }) ?? "", /its node n1 does not answer/);
    const [lost] = explain(deleted(past), { nodes: silent });
    assert.ok(lost?.next.some((line) => line.startsWith("kubectl delete node n1 ")));
    const [without] = explain(deleted(past));
    assert.ok(
      without?.next.every((line) => !/^kubectl \w+ node /.test(line)),
      "there is none to ask for",
    );
    assert.match(said(deleted(past), { nodes }) ?? "", /has not finished with it/);
    assert.equal(
      said(podOf({ nodeName: "n1" }, { phase: "Running" }), { nodes: silent }),
      "node n1 is not ready",
    );
    assert.match(said(podOf({ nodeName: "n1" }, { phase: "Running" })) ?? "", /^its node n1 does not exist/);
  });

  it("waits for what its node cannot give it", () => {
    const nodes = [nodeOf("n1")];
    const waiting = (reason: string, message: string) =>
      podOf(
        { nodeName: "n1" },
        {
          phase: "Pending",
          containerStatuses: [{ name: "c", image: "i", state: { waiting: { reason, message } } }],
        },
      );
    assert.equal(
      said(waiting("ContainerCreating", ""), {
        nodes,
        events: [event("FailedMount", "MountVolume.SetUp failed: no such device")],
      }),
      "a volume of it cannot be mounted: MountVolume.SetUp failed: no such device",
    );
    assert.match(
      said(waiting("ContainerCreating", ""), {
        nodes,
        events: [event("FailedCreatePodSandBox", "no addresses")],
      }) ?? "",
      /network or sandbox.*no addresses/,
    );
    assert.equal(
      said(waiting("CreateContainerError", "executable file not found in $PATH"), { nodes }),
      "the command of container c is not there: executable file not found in $PATH",
    );
    assert.equal(
      said(waiting("Strange", "m"), { nodes }),
      "container c cannot be made as it is described: m",
    );
    assert.equal(said(waiting("ContainerCreating", ""), { nodes }), "its node n1 is at work on it");
  });

  it("is ready, and ends again and again", () => {
    const status = (finishedAt: string, restartCount: number) => ({
      phase: "Running",
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [
        {
          name: "c",
          ready: true,
          restartCount,
          state: { running: {} },
          lastState: { terminated: { exitCode: 3, finishedAt } },
        },
      ],
    });
    const nodes = [nodeOf("n1")];
    const found = explain(podOf({ nodeName: "n1" }, status("2026-01-01T00:00:00Z", 3)), { nodes });
    assert.deepEqual(
      [found[0]?.severity, found[0]?.cause],
      ["warning", "container c ends again and again: exit code 3"],
    );
    assert.deepEqual(explain(podOf({ nodeName: "n1" }, status("2026-01-01T00:00:00Z", 1)), { nodes }), []);
    assert.deepEqual(explain(podOf({ nodeName: "n1" }, status("2025-12-31T00:00:00Z", 3)), { nodes }), []);
  });

  it("says where the data of a claim is that no node can show", () => {
    const claim = {
      kind: "PersistentVolumeClaim",
      metadata: { name: "data", namespace: "shop", uid: "c" },
      spec: { volumeName: "v" },
      status: { phase: "Bound" },
    } as never;
    const volume = {
      kind: "PersistentVolume",
      metadata: {
        name: "v",
        uid: "v",
        annotations: { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" },
      },
      spec: {
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }],
          },
        },
      },
    } as unknown as Stored;
    const of = (nodes: readonly Stored[]) =>
      explainClaim(claim, factsOf({ nodes, volumes: [volume] }, podOf({})))[0];
    assert.equal(of([nodeOf("n1")]), undefined);
    assert.equal(of([nodeOf("n1", "Unknown")])?.cause, "its data is on node n1, which is not ready");
    assert.equal(of([])?.cause, "its data was on node n1, which does not exist (any more)");
    assert.match(of([])?.next[0] ?? "", /^kubectl delete pvc data -n shop /);
  });
});

describe("client/why", () => {
  it("runs in a browser: nothing of Node.js is in it", async () => {
    const { outputFiles } = await build({
      stdin: {
        contents: ["explain", "survey", "survey-text", "gather", "text"]
          .map((name) => `export * from "./${name}.ts";`)
          .join("\n"),
        resolveDir: import.meta.dirname,
        loader: "ts",
      },
      bundle: true,
      write: false,
      platform: "browser",
      format: "esm",
      logLevel: "silent",
    });
    const [{ text } = { text: "" }] = outputFiles;
    assert.ok(text.includes("explainPod"));
    assert.doesNotMatch(text, /\bBuffer\.|\bprocess\.|\bfrom "node:|\brequire\("/);
  });
});
