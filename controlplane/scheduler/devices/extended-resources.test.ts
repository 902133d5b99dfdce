import assert from "node:assert/strict";
import { ApiError } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Container, Pod } from "../../../client/types.ts";
import { deviceCluster } from "../testing/device-cluster.ts";
import { driver, sketchClass, sketchSlice } from "../testing/device-objects.ts";
import { extendedClaims } from "./extended-claims.ts";

const gpu = "acme.io/gpu";

const container = (name: string, amounts: Record<string, string>, more: Partial<Container> = {}): Container =>
  ({ name, resources: { requests: amounts }, ...more }) as Container;

const podOf = (containers: readonly Container[], initContainers: readonly Container[] = []): Pod =>
  ({
    metadata: { name: "p", namespace: "n", uid: "u" },
    spec: { containers, initContainers },
  }) as never;

/** What is asked for on a node that has these resources itself. */
function asked(pod: Pod, classes: Record<string, string>, allocatable: Record<string, number> = {}) {
  const found = extendedClaims(pod, new Map(Object.entries(classes)))({ allocatable });
  if (found === undefined) return undefined;
  const requests = found.draft.spec.devices?.requests ?? [];
  return {
    requests: requests.map(
      ({ name, exactly }) =>
        `${name}: ${exactly?.count} ${exactly?.deviceClassName} ${exactly?.allocationMode}`,
    ),
    mappings: found.mappings.map((one) => `${one.containerName} ${one.resourceName}: ${one.requestName}`),
  };
}

describe("controlplane/scheduler/devices: a claim of what containers ask for", () => {
  const classes = { [gpu]: "gpu", "deviceclass.resource.kubernetes.io/nic": "nic" };

  it("has a request for each container and resource", () => {
    const pod = podOf([
      container("a", { cpu: "1", [gpu]: "2", "deviceclass.resource.kubernetes.io/nic": "1" }),
      container("b", { [gpu]: "1" }),
      container("c", { cpu: "1" }),
    ]);
    assert.deepEqual(asked(pod, classes), {
      requests: [
        "container-0-request-0: 2 gpu ExactCount",
        "container-0-request-2: 1 nic ExactCount",
        "container-1-request-0: 1 gpu ExactCount",
      ],
      mappings: [
        `a ${gpu}: container-0-request-0`,
        `b ${gpu}: container-1-request-0`,
        "a deviceclass.resource.kubernetes.io/nic: container-0-request-2",
      ],
    });
  });

  it("leaves out what the node has itself, and is none where it has all", () => {
    const pod = podOf([container("a", { [gpu]: "1", "deviceclass.resource.kubernetes.io/nic": "1" })]);
    assert.deepEqual(asked(pod, classes, { [gpu]: 1 })?.requests, [
      "container-0-request-1: 1 nic ExactCount",
    ]);
    const whole = { [gpu]: 1, "deviceclass.resource.kubernetes.io/nic": 1 };
    assert.equal(asked(pod, classes, whole), undefined);
  });

  it("gives containers that end before others begin what the others get, and once what more they need", () => {
    const pod = podOf(
      [container("a", { [gpu]: "2" })],
      [
        container("small", { [gpu]: "1" }),
        container("side", { [gpu]: "1" }, { restartPolicy: "Always" }),
        container("large", { [gpu]: "5" }),
        container("larger", { [gpu]: "6" }),
      ],
    );
    assert.deepEqual(asked(pod, classes), {
      requests: [
        "container-1-request-0: 1 gpu ExactCount",
        "container-3-request-0: 4 gpu ExactCount",
        "container-4-request-0: 2 gpu ExactCount",
      ],
      mappings: [
        `side ${gpu}: container-1-request-0`,
        `a ${gpu}: container-4-request-0`,
        `small ${gpu}: container-1-request-0`,
        `large ${gpu}: container-4-request-0`,
        `large ${gpu}: container-3-request-0`,
        `larger ${gpu}: container-4-request-0`,
        `larger ${gpu}: container-3-request-0`,
      ],
    });
  });
});

describe("controlplane/scheduler: pods whose containers ask for what a class of devices stands for", () => {
  const asking = (amount = "1", name = gpu) => ({ containers: [container("c", { [name]: amount })] });

  const withDevices = async (names: readonly string[] = ["a"], nodeName = "n2") => {
    const cluster = await deviceCluster();
    await cluster.api.create(resources.deviceclasses, sketchClass("gpu", { extendedResourceName: gpu }));
    const devices = names.map((name) => ({ name }));
    await cluster.api.create(resources.resourceslices, sketchSlice("p", devices, { nodeName }));
    const made = () => cluster.api.all(resources.resourceclaims);
    return { ...cluster, made };
  };

  it("get a claim of their own, which their status names, and are bound then", async () => {
    const { api, time, scheduler, addPod, podNamed, nodeOf, made, metrics } = await withDevices();
    await addPod("train", [], asking());
    await time.advance(200);
    assert.equal(nodeOf("train"), "n2");
    const [claim, ...others] = made();
    assert.ok(claim && others.length === 0);
    const { name, finalizers, ownerReferences, annotations } = claim.metadata;
    assert.match(name, /^train-extended-resources-/);
    assert.deepEqual(finalizers, ["resource.kubernetes.io/delete-protection"]);
    assert.deepEqual(ownerReferences, [
      { apiVersion: "v1", kind: "Pod", name: "train", uid: "uid-train", controller: true },
    ]);
    assert.deepEqual(annotations, { "resource.kubernetes.io/extended-resource-claim": "true" });
    const request = "container-0-request-0";
    assert.deepEqual(claim.status?.allocation?.devices?.results, [
      { request, driver, pool: "p", device: "a" },
    ]);
    assert.deepEqual(claim.status?.reservedFor, [{ resource: "pods", name: "train", uid: "uid-train" }]);
    assert.deepEqual(podNamed("train")?.status?.extendedResourceClaimStatus, {
      requestMappings: [{ containerName: "c", resourceName: gpu, requestName: request }],
      resourceClaimName: name,
    });
    const verbs = api.actions.map(({ verb, resource }) => `${verb} ${resource}`);
    assert.ok(verbs.lastIndexOf("patch pods") < verbs.indexOf("subresource pods"));
    assert.match(await metrics.text(), /scheduler_resourceclaim_creates_total{status="success"} 1/);
    await scheduler.stop();
  });

  it("never get a device twice, and are tried again once one is free or a class comes", async () => {
    const { api, time, scheduler, addPod, nodeOf, why, made } = await withDevices();
    await addPod("one", [], asking());
    await time.advance(200);
    await addPod("two", [], asking("1", "deviceclass.resource.kubernetes.io/gpu"));
    await addPod("nic", [], asking("1", "acme.io/nic"));
    await time.advance(200);
    assert.deepEqual(["one", "two", "nic"].map(nodeOf), ["n2", undefined, undefined]);
    assert.match(why("two"), /^0\/2 nodes are available: 2 cannot allocate all claims/);
    assert.match(why("nic"), /^0\/2 nodes are available: 2 Insufficient acme\.io\/nic/);
    const [claim] = made();
    assert.ok(claim);
    await api.updateStatus(resources.resourceclaims, { ...claim, status: {} });
    await time.advance(20_000);
    assert.equal(nodeOf("two"), "n2");
    await api.create(resources.resourceslices, sketchSlice("q", [{ name: "nic" }], { nodeName: "n1" }));
    await api.create(resources.deviceclasses, sketchClass("nic", { extendedResourceName: "acme.io/nic" }));
    await time.advance(20_000);
    assert.equal(nodeOf("nic"), "n1");
    await scheduler.stop();
  });

  it("use what a node has itself without a claim", async () => {
    const { api, time, scheduler, addPod, nodeOf, made } = await withDevices([], "n1");
    const allocatable = { cpu: "4", memory: "8Gi", pods: "110", [gpu]: "1" };
    await api.patch(
      resources.nodes,
      { name: "n1" },
      { status: { allocatable } },
      { type: "merge", subresource: "status" },
    );
    await time.advance(200);
    await addPod("one", [], asking());
    await addPod("two", [], asking());
    await time.advance(200);
    assert.deepEqual([["one", "two"].map(nodeOf).sort(), made()], [["n1", undefined], []]);
    await scheduler.stop();
  });

  it("lose the claim where they are not bound, and get another", async () => {
    const { api, time, scheduler, addPod, podNamed, nodeOf, made } = await withDevices();
    let refusals = 1;
    const seen: string[] = [];
    api.intercept = async ({ verb, resource }) => {
      if (verb === "delete" && resource === "resourceclaims")
        seen.push(...made().map((one) => one.metadata.name));
      if (verb !== "subresource" || refusals-- <= 0) return undefined;
      const status = { kind: "Status", status: "Failure", code: 500, reason: "InternalError", message: "no" };
      throw new ApiError(500, status as never);
    };
    await addPod("unlucky", [], asking());
    await time.advance(20_000);
    assert.equal(nodeOf("unlucky"), "n2");
    const [claim, ...others] = made();
    assert.ok(claim && others.length === 0 && seen.length === 1 && seen[0] !== claim.metadata.name);
    assert.equal(
      podNamed("unlucky")?.status?.extendedResourceClaimStatus?.resourceClaimName,
      claim.metadata.name,
    );
    await scheduler.stop();
  });

  it("get another claim in place of one that an earlier scheduler left behind", async () => {
    const { api, time, scheduler, addPod, nodeOf, made } = await withDevices();
    const ownerReferences = [
      { apiVersion: "v1", kind: "Pod", name: "again", uid: "uid-again", controller: true },
    ];
    const annotations = { "resource.kubernetes.io/extended-resource-claim": "true" };
    await api.create(resources.resourceclaims, {
      metadata: { name: "left", namespace: "n", ownerReferences, annotations },
      spec: {},
    } as never);
    await addPod("again", [], asking());
    await time.advance(20_000);
    assert.equal(nodeOf("again"), "n2");
    assert.deepEqual(
      made().map(({ metadata }) => metadata.name === "left"),
      [false],
    );
    await scheduler.stop();
  });

  it("heed no claim that only says that it is theirs: in another namespace, or not theirs to manage", async () => {
    const { api, time, scheduler, addPod, nodeOf, made } = await withDevices();
    const owner = { apiVersion: "v1", kind: "Pod", name: "mine", uid: "uid-mine" };
    const annotations = { "resource.kubernetes.io/extended-resource-claim": "true" };
    for (const [namespace, controller] of [["elsewhere", true] as const, ["n", false] as const])
      await api.create(resources.resourceclaims, {
        metadata: {
          name: "stranger",
          namespace,
          finalizers: ["acme.io/stays"],
          ownerReferences: [{ ...owner, controller }],
          annotations,
        },
        spec: {},
      } as never);
    await addPod("mine", [], asking());
    await time.advance(20_000);
    assert.equal(nodeOf("mine"), "n2");
    const strangers = made().filter(({ metadata }) => metadata.name === "stranger");
    assert.deepEqual(
      strangers.map(({ metadata }) => metadata.deletionTimestamp),
      [undefined, undefined],
    );
    await scheduler.stop();
  });

  it("get devices of the newest of several classes", async () => {
    const { api, time, scheduler, addPod, made } = await withDevices();
    const newer = sketchClass("newer", { extendedResourceName: gpu });
    await api.create(resources.deviceclasses, {
      ...newer,
      metadata: { ...newer.metadata, creationTimestamp: "2026-02-01T00:00:00Z" },
    } as never);
    await time.advance(200);
    await addPod("train", [], asking());
    await time.advance(200);
    assert.equal(made()[0]?.spec.devices?.requests?.[0]?.exactly?.deviceClassName, "newer");
    await scheduler.stop();
  });
});
