import { strict as assert } from "node:assert";
import type {
  Event,
  KubeObject,
  Node,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from "../../client/types.ts";
import { NodeInfo } from "../../controlplane/scheduler/cycle/node-info.ts";
import { claimFinding } from "./claims.ts";
import { explainPod } from "./explain-pod.ts";
import { explainWorkload } from "./explain-workload.ts";
import type { PodFacts } from "./facts.ts";
import { findingsText } from "./finding.ts";

const nowMs = Date.UTC(2026, 0, 1, 0, 1);

function podOf(spec: object, status: object = {}, metadata: object = {}): Pod {
  return {
    metadata: { name: "web", namespace: "shop", uid: "u", ...metadata },
    spec: { containers: [{ name: "c", image: "i" }], ...spec },
    status,
  } as unknown as Pod;
}

const event = (reason: string, message: string) => ({ reason, message }) as Event;

const nodeOf = (name: string, ready = "True", more: object = {}) =>
  ({
    metadata: { name, labels: {} },
    status: {
      conditions: [{ type: "Ready", status: ready, reason: "R", message: "m" }],
      allocatable: { cpu: "2", memory: "1Gi", pods: "110" },
    },
    ...more,
  }) as unknown as Node;

const facts = (pod: Pod, more: Partial<PodFacts> = {}): PodFacts => ({
  pod,
  events: [],
  claims: [],
  verdicts: undefined,
  node: pod.spec.nodeName === undefined ? undefined : nodeOf(pod.spec.nodeName),
  lastLines: new Map(),
  nowMs,
  ...more,
});

const refused = (name: string, plugin: string, reason: string, more: object = {}) => ({
  node: new NodeInfo(nodeOf(name, "True", more)),
  refusal: { plugin, reasons: [reason], lasting: false },
});

/** What is said, in a line, of a pod on n1 whose one container is in such a state. */
const waits = (reason: string, message = "", last?: object, more: Partial<PodFacts> = {}) =>
  explainPod(
    facts(
      podOf(
        { nodeName: "n1" },
        {
          phase: "Running",
          containerStatuses: [
            {
              name: "c",
              image: "i:1",
              restartCount: 4,
              state: { waiting: { reason, message } },
              ...(last && { lastState: { terminated: last } }),
            },
          ],
        },
      ),
      more,
    ),
  );

describe("cli/why", () => {
  it("tells of each node which plugin refused, and what would have to change", () => {
    const pod = podOf({ containers: [{ name: "c", resources: { requests: { cpu: "3" } } }] });
    const verdicts = {
      nowhere: undefined,
      nodes: [
        refused("n1", "NodeResourcesFit", "Insufficient cpu"),
        refused("n2", "NodeUnschedulable", "node(s) were unschedulable"),
        refused("n3", "TaintToleration", "node(s) had untolerated taint(s)", {
          spec: { taints: [{ key: "gpu", value: "yes", effect: "NoSchedule" }] },
        }),
      ],
    };
    assert.equal(
      findingsText("pod/web", explainPod(facts(pod, { verdicts }))),
      `pod/web: none of 3 nodes takes it
  n1: NodeResourcesFit: Insufficient cpu; cpu: asks 3000m, free 2000m of 2000m
  n2: NodeUnschedulable: node(s) were unschedulable
  n3: TaintToleration: node(s) had untolerated taint(s)
  to change: no node is so large: it asks 3000m of cpu, the largest has 2000m
             kubectl uncordon n2
             a toleration of gpu=yes:NoSchedule, or the taint goes
  next: kubectl describe node n1
`,
    );
  });

  it("tells of gates, of schedulers that are nobody, of no nodes at all, and of nothing in the way", () => {
    const said = (spec: object, verdicts?: PodFacts["verdicts"]) =>
      explainPod(facts(podOf(spec), { verdicts }))[0]?.what ?? "";
    assert.match(said({ schedulingGates: [{ name: "example.com/g" }] }), /scheduling gates are closed/);
    assert.match(said({ schedulerName: "mine" }), /one named mine/);
    assert.equal(said({}, { nowhere: undefined, nodes: [] }), "there are no nodes");
    const free = { nowhere: undefined, nodes: [{ node: new NodeInfo(nodeOf("n1")), refusal: undefined }] };
    assert.equal(said({}, free), "nothing keeps it from 1 of 1 nodes: it waits for the scheduler");
    const nowhere = {
      nowhere: { reason: "pod has unbound claims", plugins: ["VolumeBinding"] },
      nodes: free.nodes.map((one) => ({ ...one, refusal: { plugin: "x", reasons: [], lasting: true } })),
    };
    assert.equal(said({}, nowhere), "no node takes it: pod has unbound claims");
  });

  it("asks for an absent claim, and for nothing that the plugin that misses it is for besides", () => {
    const node = { node: new NodeInfo(nodeOf("n1")), refusal: { plugin: "", reasons: [], lasting: true } };
    const nowhere = { reason: 'persistentvolumeclaim "data" not found', plugins: ["VolumeRestrictions"] };
    const change = (claims: PodFacts["claims"]) =>
      explainPod(facts(podOf({}), { claims, verdicts: { nowhere, nodes: [node] } })).flatMap(
        (one) => one.change ?? [],
      );
    const absent = { name: "data", claim: undefined, events: [], storageClass: undefined, home: undefined };
    assert.deepEqual(change([absent]), ["a claim named data"]);
    assert.match(change([]).join(), /ReadWriteOncePod/);
  });

  it("tells what is wrong with claims before it tells of nodes", () => {
    const claim = (spec: object, status: object = { phase: "Pending" }) =>
      ({ metadata: { name: "data" }, spec, status }) as unknown as PersistentVolumeClaim;
    const of = (given: PersistentVolumeClaim | undefined, storageClass?: object, events: Event[] = []) =>
      claimFinding(
        {
          name: "data",
          claim: given,
          events,
          storageClass: storageClass as StorageClass | undefined,
          home: undefined,
        },
        "-n shop",
      )?.what;
    assert.equal(of(undefined), "its claim data does not exist");
    assert.equal(
      of(claim({ storageClassName: "fast" })),
      "its claim data asks for the class fast, which does not exist",
    );
    assert.match(of(claim({})) ?? "", /names no class/);
    assert.equal(of(claim({ storageClassName: "a" }, { phase: "Bound" })), undefined);
    assert.match(of(claim({}, { phase: "Lost" })) ?? "", /is gone/);
    const late = { provisioner: "p", volumeBindingMode: "WaitForFirstConsumer" };
    assert.equal(of(claim({ storageClassName: "a" }), late), undefined);
    assert.match(
      of(claim({ storageClassName: "a" }), late, [event("ProvisioningFailed", "no room")]) ?? "",
      /waits for a volume of p/,
    );
    const first = explainPod(
      facts(podOf({}), {
        claims: [{ name: "data", claim: undefined, events: [], storageClass: undefined, home: undefined }],
        verdicts: { nowhere: undefined, nodes: [] },
      }),
    );
    assert.deepEqual(
      first.map(({ what }) => what),
      ["its claim data does not exist", "there are no nodes"],
    );
  });

  it("tells where the data of a claim is that no node can show", () => {
    const claim = { metadata: { name: "data" }, spec: {}, status: { phase: "Bound" } } as never;
    const of = (node: Node | undefined) => {
      const fact = { name: "data", claim, events: [], storageClass: undefined, home: { name: "n1", node } };
      return claimFinding(fact, "-n shop");
    };
    assert.equal(of(nodeOf("n1")), undefined);
    assert.equal(
      of(nodeOf("n1", "Unknown"))?.what,
      "the data of its claim data is on node n1, which is not ready",
    );
    const gone = of(undefined);
    assert.equal(gone?.what, "the data of its claim data was on node n1, which does not exist (any more)");
    assert.match(gone?.next[0] ?? "", /^kubectl delete pvc data -n shop /);
  });

  it("tells of images, configurations and crashes, with the last lines", () => {
    assert.match(waits("ImagePullBackOff")[0]?.what ?? "", /image of container c cannot be had: i:1/);
    assert.match(waits("ErrImageNeverPull")[0]?.what ?? "", /may not be pulled/);
    assert.match(
      waits("CreateContainerConfigError", 'secret "s" not found')[0]?.what ?? "",
      /secret "s" not found/,
    );
    assert.equal(waits("Strange", "m")[0]?.what, "container c waits: Strange");
    const crash = (exitCode: number, reason: string, events: Event[] = []) =>
      waits("CrashLoopBackOff", "", { exitCode, reason }, { events, lastLines: new Map([["c", ["boom"]]]) });
    assert.equal(
      findingsText("pod/web", crash(127, "Error")),
      `pod/web: container c ends again and again: exit code 127, its command is not there
  started 5 times
  its last lines:
    boom
  to change: command and args name a program of the image
  next: kubectl logs web -n shop -c c --previous
`,
    );
    assert.match(crash(137, "OOMKilled")[0]?.change[0] ?? "", /limits.memory/);
    assert.match(crash(0, "Completed")[0]?.change[0] ?? "", /a Job/);
    assert.match(
      crash(137, "Error", [event("Unhealthy", "Liveness probe failed: x")])[0]?.change[0] ?? "",
      /liveness probe/,
    );
  });

  it("tells of mounts, init containers, probes and gates", () => {
    const said = (spec: object, status: object, events: Event[] = []) =>
      explainPod(facts(podOf({ nodeName: "n1", ...spec }, status), { events }))[0];
    assert.deepEqual(
      said({}, { phase: "Pending" }, [event("FailedMount", "configmap c not found")])?.because,
      ["FailedMount: configmap c not found"],
    );
    const init = {
      initContainerStatuses: [{ name: "i", state: { running: {} } }],
      containerStatuses: [{ name: "c", state: { waiting: { reason: "PodInitializing" } } }],
    };
    assert.match(said({}, init)?.what ?? "", /init container i is still at work/);
    const unready = {
      phase: "Running",
      containerStatuses: [{ name: "c", ready: false, started: true, state: { running: {} } }],
    };
    const probed = { containers: [{ name: "c", readinessProbe: { httpGet: { path: "/ok", port: 80 } } }] };
    const found = said(probed, unready, [event("Unhealthy", "Readiness probe failed: 500")]);
    assert.deepEqual(
      [found?.what, found?.because, found?.change],
      [
        "container c runs, but is not ready",
        ["Readiness probe failed: 500"],
        ["GET /ok at port 80 answers 200 to 399 in 1 s"],
      ],
    );
    const gated = {
      phase: "Running",
      conditions: [{ type: "Ready", status: "False" }],
      containerStatuses: [{ name: "c", ready: true, state: { running: {} } }],
    };
    assert.match(
      said({ readinessGates: [{ conditionType: "example.com/lb" }] }, gated)?.what ?? "",
      /readiness gate example.com\/lb/,
    );
    const well = {
      phase: "Running",
      conditions: [{ type: "Ready", status: "True" }],
      containerStatuses: [{ name: "c", ready: true, state: { running: {} } }],
    };
    assert.equal(said({}, well)?.what, "nothing is wrong: it runs and is ready");
  });

  it("tells of pods that are over, do not go, or are on a node that does not answer", () => {
    const said = (pod: Pod, more: Partial<PodFacts> = {}) => explainPod(facts(pod, more))[0]?.what ?? "";
    assert.match(said(podOf({}, { phase: "Succeeded" })), /did its work/);
    assert.equal(said(podOf({}, { phase: "Failed", reason: "Evicted" })), "it failed for good: Evicted");
    const deleted = (metadata: object, spec: object = {}) => podOf({ nodeName: "n1", ...spec }, {}, metadata);
    const past = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    assert.match(
      said(deleted({ deletionTimestamp: "2026-01-01T00:01:20Z", deletionGracePeriodSeconds: 30 })),
      /has 20 s left of 30 s/,
    );
    assert.match(said(deleted({ ...past, finalizers: ["a/b"] })), /finalizers keep it/);
    assert.match(said(deleted(past), { node: nodeOf("n1", "Unknown") }), /node n1 does not answer/);
    const [lost] = explainPod(facts(deleted(past), { node: nodeOf("n1", "Unknown") }));
    assert.ok(lost?.next.some((line) => line.startsWith("kubectl delete node n1 ")));
    const [without] = explainPod(facts(deleted(past), { node: undefined }));
    assert.ok(
      without?.next.every((line) => !/^kubectl \w+ node /.test(line)),
      "there is none to ask for",
    );
    assert.match(said(deleted(past)), /has not finished with it/);
    assert.match(
      said(podOf({ nodeName: "n1" }, { phase: "Running" }), { node: nodeOf("n1", "Unknown") }),
      /n1 is not ready/,
    );
  });

  it("tells why a workload has no pods", () => {
    const said = (spec: object, message?: string) =>
      explainWorkload({
        workload: {
          kind: "Deployment",
          metadata: { name: "web", namespace: "shop" },
          spec,
        } as unknown as KubeObject,
        events: message === undefined ? [] : [event("FailedCreate", message)],
        pods: [],
      })[0]?.what;
    assert.equal(
      said({ replicas: 1 }, 'pods "web" is forbidden: exceeded quota: q'),
      "its pods are refused: the namespace's quota is used up",
    );
    assert.equal(
      said({ replicas: 1 }, "violates PodSecurity restricted"),
      "its pods are refused: the namespace's Pod Security level forbids them",
    );
    assert.equal(said({ replicas: 1 }, "something new"), "its pods are refused");
    assert.equal(said({ replicas: 0 }), "it is to have no pods: replicas is 0");
    assert.equal(said({ replicas: 1, paused: true }), "it is paused");
    assert.equal(said({ parallelism: 1, suspend: true }), "it is suspended");
    assert.equal(said({ replicas: 1 }), "it has made no pods yet");
  });
});
