import assert from "node:assert/strict";
import fc from "fast-check";
import { claimFinalizer } from "../../../client/rules/resource-claims.ts";
import type { Pod, ResourceClaim, ResourceClaimTemplate } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { ago, meta, pod } from "../testing/objects.ts";
import { planClaim, reservationsToAsk } from "./plan-claim.ts";
import { planPodClaims, unreserved } from "./plan-pod.ts";
import { isPodDone, podClaimAnnotation } from "./pod-claims.ts";

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
