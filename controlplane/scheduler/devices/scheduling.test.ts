import assert from "node:assert/strict";
import { ApiError } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { ResourceClaim } from "../../../client/types.ts";
import { deviceCluster, local } from "../testing/device-cluster.ts";
import { asks, driver, sketchClaim, sketchClass, sketchSlice } from "../testing/device-objects.ts";

describe("controlplane/scheduler: pods that ask for devices", () => {
  it("go where the devices are, which are written down, protected and reserved before they are bound", async () => {
    const { api, time, scheduler, addClaim, addPod, claimNamed, nodeOf } = await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    await api.create(resources.resourceslices, sketchSlice("p", [{ name: "a" }], { nodeName: "n2" }));
    await addClaim(sketchClaim("gpu", [asks("r")]));
    await addPod("train", ["gpu"]);
    await time.advance(200);
    assert.equal(nodeOf("train"), "n2");
    const { metadata, status } = claimNamed("gpu") ?? {};
    assert.deepEqual(metadata?.finalizers, ["resource.kubernetes.io/delete-protection"]);
    const { allocationTimestamp, ...allocation } = status?.allocation ?? {};
    assert.match(String(allocationTimestamp), /^\d{4}-/);
    assert.deepEqual(allocation, {
      devices: { results: [{ request: "r", driver, pool: "p", device: "a" }] },
      nodeSelector: local("n2"),
    });
    assert.deepEqual(status?.reservedFor, [{ resource: "pods", name: "train", uid: "uid-train" }]);
    const verbs = api.actions.map(({ verb, resource }) => `${verb} ${resource}`);
    assert.ok(verbs.indexOf("updateStatus resourceclaims") < verbs.indexOf("subresource pods"));
    await scheduler.stop();
  });

  it("never get one device twice, and wait until one is free", async () => {
    const { api, time, scheduler, addClaim, addPod, claimNamed, nodeOf, why, devicesOf } =
      await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    await api.create(resources.resourceslices, sketchSlice("p", [{ name: "a" }, { name: "b" }]));
    for (const name of ["x", "y", "z"]) {
      await addClaim(sketchClaim(name, [asks("r")]));
      await addPod(`pod-${name}`, [name]);
    }
    await time.advance(200);
    const given = ["x", "y", "z"].flatMap(devicesOf);
    assert.deepEqual(given.sort(), ["a", "b"]);
    const [waits = ""] = ["x", "y", "z"].filter((name) => nodeOf(`pod-${name}`) === undefined);
    assert.equal(
      why(`pod-${waits}`),
      "0/2 nodes are available: 2 cannot allocate all claims. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
    );
    const done = claimNamed(waits === "x" ? "y" : "x");
    assert.ok(done);
    await api.updateStatus(resources.resourceclaims, { ...done, status: {} });
    await time.advance(20_000);
    assert.notEqual(nodeOf(`pod-${waits}`), undefined);
    await scheduler.stop();
  });

  it("share a claim, and go where its devices are", async () => {
    const { api, time, scheduler, addClaim, addPod, nodeOf, usersOf } = await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    for (const node of ["n1", "n2"])
      await api.create(
        resources.resourceslices,
        sketchSlice(`p-${node}`, [{ name: "a" }], { nodeName: node }),
      );
    await addClaim(sketchClaim("gpu", [asks("r")]));
    for (const name of ["one", "two", "three"]) await addPod(name, ["gpu"]);
    await time.advance(20_000);
    const nodes = ["one", "two", "three"].map(nodeOf);
    assert.ok(nodes[0] !== undefined && nodes.every((node) => node === nodes[0]), String(nodes));
    assert.deepEqual(usersOf("gpu").sort(), ["one", "three", "two"]);
    await scheduler.stop();
  });

  it("wait while a claim has as many users as it can", async () => {
    const { api, time, scheduler, addClaim, addPod, claimNamed, nodeOf, why } = await deviceCluster();
    const results = [{ request: "r", driver, pool: "p", device: "a" }];
    const reservedFor = Array.from({ length: 256 }, (_, index) => ({
      resource: "pods",
      name: `user-${index}`,
      uid: `uid-user-${index}`,
    }));
    await addClaim(
      sketchClaim("gpu", [asks("r")], { status: { allocation: { devices: { results } }, reservedFor } }),
    );
    await addPod("late", ["gpu"]);
    await time.advance(200);
    assert.match(why("late"), /^0\/2 nodes are available: resourceclaim in use\. preemption: /);
    const full = claimNamed("gpu");
    assert.ok(full);
    const status = { ...full.status, reservedFor: reservedFor.slice(1) };
    await api.updateStatus(resources.resourceclaims, { ...full, status } as never);
    await time.advance(20_000);
    assert.notEqual(nodeOf("late"), undefined);
    await scheduler.stop();
  });

  it("wait for their claims, classes and devices, and are tried again when these come", async () => {
    const { api, time, scheduler, addClaim, addPod, nodeOf, why } = await deviceCluster();
    await addPod("early", ["gpu"]);
    await time.advance(200);
    assert.equal(why("early"), "", "it does not wait for its turn yet");
    await addClaim(sketchClaim("gpu", [asks("r")]));
    await time.advance(200);
    assert.match(why("early"), /request r: device class gpu does not exist/);
    await api.create(resources.deviceclasses, sketchClass());
    await time.advance(20_000);
    assert.match(why("early"), /2 cannot allocate all claims/);
    await api.create(resources.resourceslices, sketchSlice("p", [{ name: "a" }], { nodeName: "n1" }));
    await time.advance(20_000);
    assert.equal(nodeOf("early"), "n1");
    await scheduler.stop();
  });

  it("wait until it is said which claim was made for them", async () => {
    const { api, time, scheduler, addClaim, nodeOf } = await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    await api.create(resources.resourceslices, sketchSlice("p", [{ name: "a" }]));
    await api.create(resources.pods, {
      metadata: { name: "p", namespace: "n", uid: "uid-p" },
      spec: {
        containers: [{ name: "c" }],
        resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "t" }],
      },
    } as never);
    await time.advance(200);
    const claim = sketchClaim("made", [asks("r")]);
    const reference = { apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p", controller: true };
    await addClaim({
      ...claim,
      metadata: { ...claim.metadata, ownerReferences: [reference] },
    } as ResourceClaim);
    await time.advance(200);
    assert.equal(nodeOf("p"), undefined);
    const resourceClaimStatuses = [{ name: "gpu", resourceClaimName: "made" }];
    await api.patch(
      resources.pods,
      { name: "p", namespace: "n" },
      { status: { resourceClaimStatuses } },
      { type: "merge", subresource: "status" },
    );
    await time.advance(200);
    assert.notEqual(nodeOf("p"), undefined);
    await scheduler.stop();
  });

  it("are not helped by a claim of a template that was made for another", async () => {
    const { api, time, scheduler, addClaim, nodeOf } = await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    await api.create(resources.resourceslices, sketchSlice("p", [{ name: "a" }]));
    const made = (owner: string) => {
      const claim = sketchClaim("made", [asks("r")]);
      const reference = { apiVersion: "v1", kind: "Pod", name: "p", uid: owner, controller: true };
      return { ...claim, metadata: { ...claim.metadata, ownerReferences: [reference] } } as ResourceClaim;
    };
    await addClaim(made("uid-other"));
    await api.create(resources.pods, {
      metadata: { name: "p", namespace: "n", uid: "uid-p" },
      spec: {
        containers: [{ name: "c" }],
        resourceClaims: [{ name: "gpu", resourceClaimTemplateName: "t" }],
      },
      status: { resourceClaimStatuses: [{ name: "gpu", resourceClaimName: "made" }] },
    } as never);
    await time.advance(200);
    assert.equal(nodeOf("p"), undefined);
    await api.delete(resources.resourceclaims, { name: "made", namespace: "n" });
    await addClaim(made("uid-p"));
    await time.advance(20_000);
    assert.notEqual(nodeOf("p"), undefined);
    await scheduler.stop();
  });

  it("prefer nodes where the first of alternatives is to be had", async () => {
    const { api, time, scheduler, addClaim, addPod, nodeOf, claimNamed } = await deviceCluster();
    await api.create(
      resources.deviceclasses,
      sketchClass("fast", { selectors: [{ cel: { expression: `device.attributes["${driver}"].fast` } }] }),
    );
    await api.create(
      resources.deviceclasses,
      sketchClass("slow", { selectors: [{ cel: { expression: `!device.attributes["${driver}"].fast` } }] }),
    );
    for (const [node, fast] of [
      ["n1", false],
      ["n2", true],
    ] as const)
      await api.create(
        resources.resourceslices,
        sketchSlice(`p-${node}`, [{ name: "a", attributes: { fast: { bool: fast } } }], { nodeName: node }),
      );
    const alternatives = ["fast", "slow"].map((name) => ({ name, deviceClassName: name, count: 1 }));
    await addClaim(sketchClaim("gpu", [{ name: "r", firstAvailable: alternatives }]));
    await addPod("picky", ["gpu"]);
    await time.advance(200);
    assert.equal(nodeOf("picky"), "n2");
    assert.equal(claimNamed("gpu")?.status?.allocation?.devices?.results?.[0]?.request, "r/fast");
    await scheduler.stop();
  });

  it("are nowhere while a device cannot be asked what they want of it, though another node would do", async () => {
    const { api, time, scheduler, addClaim, addPod, nodeOf, podNamed } = await deviceCluster();
    await api.create(
      resources.deviceclasses,
      sketchClass("gpu", { selectors: [{ cel: { expression: `device.attributes["${driver}"].fast` } }] }),
    );
    const fast = { attributes: { fast: { bool: true } } };
    const slice = (node: string, device: object) => sketchSlice(`p-${node}`, [device], { nodeName: node });
    await api.create(resources.resourceslices, slice("n1", { name: "a", ...fast }));
    const mute = await api.create(resources.resourceslices, slice("n2", { name: "a" }));
    await addClaim(sketchClaim("gpu", [asks("r")]));
    await addPod("asker", ["gpu"], {}, { nominatedNodeName: "n2" });
    await time.advance(200);
    assert.equal(nodeOf("asker"), undefined);
    assert.equal(podNamed("asker")?.status?.nominatedNodeName, undefined, "nothing is promised any more");
    const message =
      'running "DynamicResources" filter plugin: class gpu: selector #0: CEL runtime error: no such key: fast';
    const condition = podNamed("asker")?.status?.conditions?.find(({ type }) => type === "PodScheduled");
    assert.deepEqual([condition?.reason, condition?.message], ["SchedulerError", message]);
    const events = api.all(resources.events).filter(({ reason }) => reason === "FailedScheduling");
    assert.ok(events.length > 0 && events.every((event) => event.message === message));
    await api.update(resources.resourceslices, {
      ...mute,
      spec: { ...mute.spec, devices: [{ name: "a", ...fast }] },
    } as never);
    await time.advance(20_000);
    assert.notEqual(nodeOf("asker"), undefined);
    await scheduler.stop();
  });

  it("give their claims back where they are not bound, and try again", async () => {
    const { api, time, scheduler, addClaim, addPod, nodeOf, usersOf, devicesOf } = await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    await api.create(resources.resourceslices, sketchSlice("p", [{ name: "a" }]));
    await addClaim(sketchClaim("gpu", [asks("r")]));
    const seen: (readonly string[])[] = [];
    let refusals = 1;
    api.intercept = async ({ verb, resource }) => {
      if (verb === "updateStatus" && resource === "resourceclaims")
        return { after: async () => void seen.push(usersOf("gpu")) };
      if (verb !== "subresource" || refusals-- <= 0) return undefined;
      throw new ApiError(500, {
        kind: "Status",
        status: "Failure",
        code: 500,
        reason: "InternalError",
        message: "no",
      });
    };
    await addPod("unlucky", ["gpu"]);
    await time.advance(20_000);
    assert.deepEqual(seen, [["unlucky"], [], ["unlucky"]]);
    assert.notEqual(nodeOf("unlucky"), undefined);
    assert.deepEqual(devicesOf("gpu"), ["a"]);
    await scheduler.stop();
  });

  it("free a claim's devices where they cannot go to them and nobody uses them", async () => {
    const { api, time, scheduler, addClaim, addPod, nodeOf, devicesOf } = await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    for (const node of ["n1", "n2"])
      await api.create(
        resources.resourceslices,
        sketchSlice(`p-${node}`, [{ name: node }], { nodeName: node }),
      );
    const results = [{ request: "r", driver, pool: "p-n1", device: "n1" }];
    await addClaim(
      sketchClaim("gpu", [asks("r")], {
        status: { allocation: { devices: { results }, nodeSelector: local("n1") } },
      }),
    );
    await api.patch(resources.nodes, { name: "n1" }, { spec: { unschedulable: true } }, { type: "merge" });
    await time.advance(200);
    await addPod("mover", ["gpu"]);
    await time.advance(20_000);
    assert.equal(nodeOf("mover"), "n2");
    assert.deepEqual(devicesOf("gpu"), ["n2"]);
    await scheduler.stop();
  });

  it("lose to whoever allocated their claim meanwhile, without harm", async () => {
    const { api, time, scheduler, addClaim, addPod, claimNamed, devicesOf, nodeOf } = await deviceCluster();
    await api.create(resources.deviceclasses, sketchClass());
    await api.create(resources.resourceslices, sketchSlice("p", [{ name: "a" }, { name: "b" }]));
    await addClaim(sketchClaim("gpu", [asks("r")]));
    let first = true;
    api.intercept = async ({ verb, resource }) => {
      if (!first || verb !== "update" || resource !== "resourceclaims") return undefined;
      first = false;
      const claim = claimNamed("gpu");
      assert.ok(claim);
      const results = [{ request: "r", driver, pool: "p", device: "b" }];
      await api.updateStatus(resources.resourceclaims, {
        ...claim,
        status: { allocation: { devices: { results } } },
      } as never);
      return undefined;
    };
    await addPod("late", ["gpu"]);
    await time.advance(20_000);
    assert.deepEqual(devicesOf("gpu"), ["b"]);
    assert.notEqual(nodeOf("late"), undefined);
    await scheduler.stop();
  });
});
