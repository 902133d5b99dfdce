import assert from "node:assert/strict";
import fc from "fast-check";
import { resources } from "../../../client/resources.ts";
import { claimFinalizer } from "../../../client/rules/resource-claims.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { Pod, ResourceClaim, ResourceClaimTemplate } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { ago, meta, pod } from "../testing/objects.ts";
import { planClaim, reservationsToAsk } from "./plan-claim.ts";
import { planPodClaims, unreserved } from "./plan-pod.ts";
import { isPodDone, podClaimAnnotation } from "./pod-claims.ts";
import { resourceClaimController } from "./resource-claim-controller.ts";

const devices = { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu", count: 1 } }] };
const allocation = { devices: { results: [] } };

function claim(
  name: string,
  more: Partial<ResourceClaim> & { readonly of?: Pod; readonly podClaim?: string } = {},
) {
  const { of, podClaim, metadata, ...rest } = more;
  return {
    apiVersion: "resource.k8s.io/v1",
    kind: "ResourceClaim",
    metadata: meta(name, {
      ...(of && { ownerReferences: [controllerReference(of)] }),
      ...(podClaim !== undefined && { annotations: { [podClaimAnnotation]: podClaim } }),
      ...metadata,
    }),
    spec: { devices },
    ...rest,
  } as ResourceClaim;
}
const template = {
  apiVersion: "resource.k8s.io/v1",
  kind: "ResourceClaimTemplate",
  metadata: meta("t"),
  spec: { metadata: { labels: { a: "b" }, annotations: { c: "d" } }, spec: { devices } },
} as ResourceClaimTemplate;
const user = (name = "p", statuses?: { name: string; resourceClaimName?: string }[], node?: string) => {
  const made = pod(name, {
    ...(node !== undefined && { node }),
    spec: {
      resourceClaims: [
        { name: "own", resourceClaimTemplateName: "t" },
        { name: "given", resourceClaimName: "g" },
      ],
    },
  });
  return { ...made, status: { ...made.status, ...(statuses && { resourceClaimStatuses: statuses }) } } as Pod;
};
const plan = (of: Pod, claims: readonly ResourceClaim[], templates = [template]) =>
  planPodClaims({
    pod: of,
    claim: (name) => claims.find(({ metadata }) => metadata.name === name),
    template: (name) => templates.find(({ metadata }) => metadata.name === name),
    owned: claims,
  });

describe("the claims of a pod", () => {
  it("are made from their templates, once, and noted in its status", () => {
    const [step, ...more] = plan(user(), []);
    assert.ok(step?.step === "create" && more.length === 0);
    assert.deepEqual(step.draft, {
      metadata: {
        namespace: "default",
        generateName: "p-own-",
        ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p", controller: true }],
        annotations: { c: "d", [podClaimAnnotation]: "own" },
        labels: { a: "b" },
      },
      spec: { devices },
    });
    const made = claim("p-own-x", { of: user(), podClaim: "own" });
    assert.deepEqual(plan(user(), [made]), [{ step: "note", podClaim: "own", claimName: "p-own-x" }]);
    assert.deepEqual(plan(user("p", [{ name: "own", resourceClaimName: "p-own-x" }]), [made]), []);
    assert.deepEqual(plan(user("p", [{ name: "own" }]), []), [], "none is needed");
  });

  it("are made anew where the noted one is gone or another's", () => {
    const noted = user("p", [{ name: "own", resourceClaimName: "x" }]);
    assert.equal(plan(noted, [])[0]?.step, "create");
    assert.equal(plan(noted, [claim("x", { of: user("q"), podClaim: "own" })])[0]?.step, "create");
  });

  it("wait for their template, and say so", () => {
    assert.deepEqual(plan(user(), [], []), [
      {
        step: "fail",
        podClaim: "own",
        why: 'resource claim template "t": resourceclaimtemplate.resource.k8s.io "t" not found',
      },
    ]);
  });

  it("are not made again for a pod that is done, nor reserved for it, though others use them", () => {
    const noted = [{ name: "own", resourceClaimName: "x" }];
    const done = { ...user("p", noted, "n1"), status: { phase: "Succeeded", resourceClaimStatuses: noted } };
    assert.deepEqual(plan(done as Pod, []), []);
    const reservedFor = [{ resource: "pods", name: "q", uid: "uid-q" }];
    const given = claim("g", { status: { allocation, reservedFor } } as never);
    assert.deepEqual(unreserved({ pod: done as Pod, claim: () => given }), []);
  });

  it("are not reserved where the API would refuse it: for too many, or while they go", () => {
    const noted = user("p", [{ name: "own", resourceClaimName: "x" }], "n1");
    const reserved = (users: number, more = {}) => {
      const reservedFor = Array.from({ length: users }, (_, at) => ({
        resource: "pods",
        name: `q${at}`,
        uid: `uid-q${at}`,
      }));
      const given = claim("g", { metadata: meta("g", more), status: { allocation, reservedFor } } as never);
      return unreserved({ pod: noted, claim: (name) => (name === "g" ? given : undefined) }).length;
    };
    assert.deepEqual([reserved(255), reserved(256)], [1, 0]);
    assert.equal(reserved(1, { deletionTimestamp: ago(1) }), 0);
  });

  it("are one for each of the pod's, whatever of them was made, noted, or another's before", () => {
    const names = ["a", "b", "c"];
    const state = fc.record({
      noted: fc.constantFrom(undefined, "none", "made", "other"),
      isMade: fc.boolean(),
      template: fc.boolean(),
    });
    const phases = fc.constantFrom("Pending", "Running", "Succeeded", "Failed");
    fc.assert(
      fc.property(fc.tuple(state, state, state), phases, fc.boolean(), (states, phase, isGoing) => {
        const of = pod("p", {
          phase,
          node: "n",
          spec: { resourceClaims: names.map((name) => ({ name, resourceClaimTemplateName: `t-${name}` })) },
          meta: isGoing ? { deletionTimestamp: ago(1) } : {},
        });
        const statuses = states.flatMap(({ noted }, at) => {
          const name = names[at] ?? "";
          if (noted === undefined) return [];
          return [noted === "none" ? { name } : { name, resourceClaimName: `${noted}-${name}` }];
        });
        let noted = { ...of, status: { ...of.status, resourceClaimStatuses: statuses } } as Pod;
        const claims = names.map((name) => claim(`other-${name}`, { of: user("q"), podClaim: name }));
        for (const [at, { isMade }] of states.entries()) {
          const name = names[at] ?? "";
          if (isMade) claims.push(claim(`made-${name}`, { of: noted, podClaim: name }));
        }
        const templates = states.flatMap(({ template: isThere }, at) =>
          isThere ? [{ ...template, metadata: meta(`t-${names[at]}`) }] : [],
        );
        // What a sync does, and the next one, which finds what the first one did.
        for (let round = 0; round < 2; round++) {
          const steps = plan(noted, claims, templates);
          if (isGoing || isPodDone(noted)) assert.deepEqual(steps, []);
          if (round === 1) assert.ok(steps.every(({ step }) => step === "fail"));
          for (const step of steps) {
            if (step.step === "fail") continue;
            if (step.step === "create")
              claims.push(claim(`made-${step.podClaim}`, { of: noted, podClaim: step.podClaim }));
            const entry = { name: step.podClaim, resourceClaimName: `made-${step.podClaim}` };
            const others = (noted.status?.resourceClaimStatuses ?? []).filter(
              ({ name }) => name !== entry.name,
            );
            noted = {
              ...noted,
              status: { ...noted.status, resourceClaimStatuses: [...others, entry] },
            } as Pod;
          }
        }
        const own = claims.filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === "p");
        assert.equal(new Set(own.map(({ metadata }) => metadata.name)).size, own.length, "one is made twice");
        if (isGoing || isPodDone(noted)) return;
        for (const [at, { noted: before, isMade, template: isThere }] of states.entries()) {
          const found = noted.status?.resourceClaimStatuses?.find(({ name }) => name === names[at]);
          if (before === "none") assert.equal(found?.resourceClaimName, undefined);
          else if (isMade || isThere) assert.equal(found?.resourceClaimName, `made-${names[at]}`);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("are named after both, each cut in proportion", () => {
    const long = { ...user("p".repeat(200)) };
    const [step] = plan(long, []);
    assert.ok(step?.step === "create");
    const base = step.draft.metadata.generateName ?? "";
    assert.match(base, /^p{55}-$/);
  });

  it("are reserved for a pod that somebody bound past the scheduler", () => {
    const given = claim("g", { status: { allocation } } as Partial<ResourceClaim>);
    const of = (one: Pod, claims = [given]) =>
      unreserved({ pod: one, claim: (name) => claims.find(({ metadata }) => metadata.name === name) }).length;
    const noted = [{ name: "own", resourceClaimName: "x" }];
    assert.deepEqual([of(user("p", noted, "n1")), of(user("p", noted))], [1, 0]);
    const reservedFor = [{ resource: "pods", name: "p", uid: "uid-p" }];
    assert.equal(
      of(user("p", noted, "n1"), [claim("g", { status: { allocation, reservedFor } } as never)]),
      0,
    );
    assert.equal(of(user("p", noted, "n1"), [claim("g")]), 0);
  });
});

describe("claims in metrics", () => {
  it("are counted by whether they are allocated, and who made them", async () => {
    const api = new FakeApi();
    const admin = { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu", adminAccess: true } }] };
    await api.create(resources.resourceclaims, claim("free"));
    await api.create(resources.resourceclaims, claim("made", { podClaim: "own" }));
    await api.create(
      resources.resourceclaims,
      claim("got", { status: { allocation }, spec: { devices: admin } }),
    );
    const rig = await controllerRig(resourceClaimController, { api });
    const lines = (await rig.meter.text()).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.startsWith("resourceclaim_controller_resource_claims{")).sort(),
      [
        'resourceclaim_controller_resource_claims{allocated="false",admin_access="false",source="resource_claim_template"} 1',
        'resourceclaim_controller_resource_claims{allocated="false",admin_access="false",source=""} 1',
        'resourceclaim_controller_resource_claims{allocated="true",admin_access="true",source=""} 1',
      ].sort(),
    );
    await rig.stop();
  });
});

describe("a claim that pods used", () => {
  const reservation = (name: string, uid = `uid-${name}`) => ({ resource: "pods", name, uid });
  const used = (...names: readonly string[]) =>
    claim("c", {
      metadata: meta("c", { finalizers: ["x/y", claimFinalizer] }),
      status: { allocation, reservedFor: names.map((name) => reservation(name)) },
    } as Partial<ResourceClaim>);
  const judge = (one: ResourceClaim, pods: readonly Pod[], ...gone: readonly string[]) =>
    planClaim({
      claim: one,
      pod: (name) => pods.find(({ metadata }) => metadata.name === name),
      gone: new Set(gone),
    });

  it("keeps reservations of pods that run, might run, are not shown, or are not pods", () => {
    const other = { apiGroup: "acme.io", resource: "jobs", name: "j", uid: "j" };
    const one = used("running", "unseen");
    one.status?.reservedFor?.push(other);
    assert.deepEqual(judge(one, [pod("running")]), { dropsFinalizer: false, deletes: false });
    const ending = pod("running", { node: "n1", meta: { deletionTimestamp: ago(1) } });
    assert.deepEqual(judge(one, [ending]), { dropsFinalizer: false, deletes: false });
    const seen = {
      claim: one,
      pod: (name: string) => (name === "running" ? pod(name) : undefined),
      gone: new Set<string>(),
    };
    assert.deepEqual(reservationsToAsk(seen), [reservation("unseen")]);
  });

  it("loses those of pods that are gone, done, or others of the same name", () => {
    const replaced = pod("replaced", { meta: { uid: "other" } });
    const never = pod("never", { meta: { deletionTimestamp: ago(1) } });
    const pods = [pod("running"), pod("done", { phase: "Succeeded" }), replaced, never];
    const left = judge(used("running", "done", "replaced", "never", "gone"), pods, "uid-gone");
    assert.deepEqual(left.status, { allocation, reservedFor: [reservation("running")] });
    assert.equal(left.dropsFinalizer, false);
  });

  it("is free again once nobody uses it", () => {
    assert.deepEqual(judge(used("gone"), [], "uid-gone"), {
      status: {},
      dropsFinalizer: true,
      deletes: false,
    });
    // One that nobody has used yet stays allocated.
    assert.deepEqual(judge(used(), []), { dropsFinalizer: false, deletes: false });
    // Allocated by somebody else: its allocation is his.
    const theirs = claim("c", { status: { allocation, reservedFor: [reservation("gone")] } } as never);
    assert.deepEqual(judge(theirs, [], "uid-gone"), {
      status: { allocation },
      dropsFinalizer: false,
      deletes: false,
    });
  });

  it("can go when it is deleted, and is when its pod does not need it any more", () => {
    const going = used();
    going.metadata.deletionTimestamp = ago(1);
    assert.deepEqual(judge(going, []), { status: {}, dropsFinalizer: true, deletes: false });
    const owner = pod("p", { phase: "Failed" });
    const made = claim("m", { of: owner, podClaim: "own" });
    assert.equal(judge(made, [owner]).deletes, true);
    assert.equal(judge(made, [pod("p")]).deletes, false);
    assert.equal(judge(made, []).deletes, false, "the garbage collector's to say");
    assert.equal(judge(made, [pod("p", { meta: { uid: "other" } })]).deletes, true);
  });

  it("in any state keeps exactly the reservations whose pods may still use it", () => {
    const states = fc.array(
      fc.record({
        name: fc.constantFrom("a", "b", "c", "d"),
        phase: fc.constantFrom("Running", "Pending", "Succeeded", "Failed"),
        bound: fc.boolean(),
        deleted: fc.boolean(),
        replaced: fc.boolean(),
      }),
      { maxLength: 4 },
    );
    const all = ["a", "b", "c", "d"];
    fc.assert(
      fc.property(
        states,
        fc.subarray(all),
        fc.subarray(all),
        fc.boolean(),
        (found, reserved, gone, deleted) => {
          const pods = found.map(({ name, phase, bound, deleted: isDeleted, replaced }) =>
            pod(name, {
              phase,
              ...(bound && { node: "n" }),
              meta: { ...(isDeleted && { deletionTimestamp: ago(1) }), ...(replaced && { uid: "other" }) },
            }),
          );
          const one = used(...reserved);
          if (deleted) one.metadata.deletionTimestamp = ago(1);
          const result = judge(one, pods, ...gone.map((name) => `uid-${name}`));
          const mayUse = (name: string) => {
            if (gone.includes(name)) return false;
            const shown = pods.find(({ metadata }) => metadata.name === name);
            return shown === undefined || (shown.metadata.uid === `uid-${name}` && !isPodDone(shown));
          };
          const status = result.status ?? one.status;
          assert.deepEqual(
            (status?.reservedFor ?? []).map(({ name }) => name),
            reserved.filter(mayUse),
          );
          if (status?.allocation === undefined) assert.ok(!reserved.some(mayUse), "freed under a user");
          if (result.dropsFinalizer)
            assert.equal(status?.allocation, undefined, "unprotected while allocated");
        },
      ),
      { numRuns: 1000 },
    );
  });
});
