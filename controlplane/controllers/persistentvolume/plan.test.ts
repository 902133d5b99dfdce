import assert from "node:assert/strict";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../client/types.ts";
import { ago, meta } from "../testing/objects.ts";
import { type ClaimInput, planClaim } from "./plan-claim.ts";
import { planVolume } from "./plan-volume.ts";

type More<T> = { readonly meta?: object; readonly spec?: Partial<T>; readonly phase?: string };

function claim(name: string, more: More<PersistentVolumeClaim["spec"]> = {}): PersistentVolumeClaim {
  const spec = {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
    storageClassName: "c",
    ...more.spec,
  };
  return { metadata: meta(name, more.meta), spec, status: { phase: more.phase ?? "Pending" } } as never;
}

function volume(name: string, more: More<PersistentVolume["spec"]> = {}): PersistentVolume {
  const spec = {
    accessModes: ["ReadWriteOnce"],
    capacity: { storage: "1Gi" },
    storageClassName: "c",
    ...more.spec,
  };
  const { namespace: _, ...metadata } = meta(name, more.meta);
  return { metadata, spec, status: { phase: more.phase ?? "Available" } } as never;
}

const storageClass = (name: string, more: object = {}): StorageClass =>
  ({ metadata: meta(name), provisioner: "example.com/p", volumeBindingMode: "Immediate", ...more }) as never;

const refTo = ({ metadata: { name, namespace, uid } }: PersistentVolumeClaim) => ({
  name,
  namespace: namespace ?? "",
  uid,
});
const completed = { annotations: { "pv.kubernetes.io/bind-completed": "yes" } };

/** The step in a few words. */
function stepFor(one: PersistentVolumeClaim, input: Partial<ClaimInput> = {}): string {
  const step = planClaim({ claim: one, volumes: [], classes: [], unscheduledPods: [], ...input });
  const what =
    step.kind === "bind"
      ? step.volume.metadata.name
      : step.kind === "setClass"
        ? step.className
        : step.kind === "provision"
          ? step.provisioner
          : "";
  const event = "event" in step && step.event ? `${step.event.reason}: ${step.event.message}` : "";
  return [step.kind, what, event.slice(0, 90)].filter(Boolean).join(" ");
}

describe("planClaim", () => {
  it("takes the smallest volume that fits in class, size, modes, selector and mode, and is free", () => {
    const volumes = [
      volume("small", { spec: { capacity: { storage: "1023Mi" } } }),
      volume("large", { spec: { capacity: { storage: "3Gi" } } }),
      volume("fits", { spec: { capacity: { storage: "2Gi" } } }),
      volume("of-class", { spec: { storageClassName: "d" } }),
      volume("read-only", { spec: { accessModes: ["ReadOnlyMany"] } }),
      volume("raw", { spec: { volumeMode: "Block" } }),
      volume("going", { meta: { deletionTimestamp: ago(1) } }),
      volume("released", { phase: "Released" }),
      volume("taken", { spec: { claimRef: { name: "other", namespace: "default" } } }),
      volume("vac", { spec: { volumeAttributesClassName: "gold" } }),
    ];
    assert.equal(stepFor(claim("a"), { volumes }), "bind fits");
    const labelled = volume("red", {
      meta: { labels: { color: "red" } },
      spec: { capacity: { storage: "9Gi" } },
    });
    const wanting = claim("a", { spec: { selector: { matchLabels: { color: "red" } } } });
    assert.equal(stepFor(wanting, { volumes: [...volumes, labelled] }), "bind red");
  });

  it("prefers volumes with no more access modes than needed, and those kept for it", () => {
    const many = volume("many", { spec: { accessModes: ["ReadWriteOnce", "ReadWriteMany"] } });
    const large = volume("large", { spec: { capacity: { storage: "5Gi" } } });
    assert.equal(stepFor(claim("a"), { volumes: [many, large] }), "bind large");
    const kept = volume("kept", {
      spec: { capacity: { storage: "9Gi" }, claimRef: { name: "a", namespace: "default" } },
    });
    assert.equal(stepFor(claim("a"), { volumes: [large, kept] }), "bind kept");
  });

  it("waits for the first consumer where the class says so, and lets the provisioner act once a node is chosen", () => {
    const classes = [storageClass("c", { volumeBindingMode: "WaitForFirstConsumer" })];
    const volumes = [volume("v")];
    assert.equal(
      stepFor(claim("a"), { classes, volumes }),
      "pending WaitForFirstConsumer: waiting for first consumer to be created before binding",
    );
    assert.equal(
      stepFor(claim("a"), { classes, unscheduledPods: ["p", "q"] }),
      "pending WaitForPodScheduled: waiting for pods p,q to be scheduled",
    );
    const chosen = claim("a", { meta: { annotations: { "volume.kubernetes.io/selected-node": "n" } } });
    assert.match(
      stepFor(chosen, { classes }),
      /^provision example.com\/p ExternalProvisioning: Waiting for a volume/,
    );
    const kept = volume("v", { spec: { claimRef: { name: "a", namespace: "default" } } });
    assert.equal(stepFor(claim("a"), { classes, volumes: [kept] }), "bind v");
  });

  it("asks the provisioner of the class, says what is wrong with the class, and gives the default one", () => {
    assert.match(stepFor(claim("a"), { classes: [storageClass("c")] }), /^provision example.com\/p/);
    assert.equal(stepFor(claim("a")), 'tell ProvisioningFailed: storageclass.storage.k8s.io "c" not found');
    const none = storageClass("c", { provisioner: "kubernetes.io/no-provisioner" });
    assert.equal(
      stepFor(claim("a"), { classes: [none] }),
      "tell ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner",
    );
    const isDefault = { annotations: { "storageclass.kubernetes.io/is-default-class": "true" } };
    const classes = [
      storageClass("old", { metadata: meta("old", { ...isDefault, creationTimestamp: ago(9) }) }),
      storageClass("new", { metadata: meta("new", { ...isDefault, creationTimestamp: ago(1) }) }),
    ];
    const classless = claim("a");
    delete classless.spec.storageClassName;
    assert.equal(stepFor(classless, { classes }), "setClass new");
    assert.equal(
      stepFor(claim("a", { spec: { storageClassName: "" } }), { classes }),
      "pending FailedBinding: no persistent volumes available for this claim and no storage class is set",
    );
  });

  it("binds to the volume it names, if that is for it", () => {
    const naming = claim("a", { spec: { volumeName: "v" } });
    assert.equal(stepFor(naming), "pending");
    assert.equal(stepFor(naming, { volumes: [volume("v")] }), "bind v");
    const small = volume("v", { spec: { capacity: { storage: "1" } } });
    assert.equal(
      stepFor(naming, { volumes: [small] }),
      'pending VolumeMismatch: Cannot bind to requested volume "v": requested PV is too small',
    );
    const taken = volume("v", { spec: { claimRef: refTo(claim("other")) } });
    assert.equal(
      stepFor(naming, { volumes: [taken] }),
      'pending FailedBinding: volume "v" already bound to a different claim.',
    );
  });

  it("counts a claim as lost whose volume went or has another claim", () => {
    const bound = claim("a", { meta: completed, spec: { volumeName: "v" } });
    assert.match(stepFor(bound), /^lost ClaimLost: Bound claim has lost its PersistentVolume/);
    assert.match(stepFor(claim("a", { meta: completed })), /^lost ClaimLost: Bound claim has lost reference/);
    const elsewhere = volume("v", { spec: { claimRef: { ...refTo(bound), uid: "another" } } });
    assert.match(stepFor(bound, { volumes: [elsewhere] }), /^lost ClaimMisbound: Two claims/);
    assert.equal(stepFor(bound, { volumes: [volume("v", { spec: { claimRef: refTo(bound) } })] }), "bind v");
  });
});

describe("planVolume", () => {
  const mine = claim("a", { spec: { volumeName: "v" } });
  const of = (more: Partial<PersistentVolume["spec"]>, phase = "Bound", annotations = {}) =>
    volume("v", { phase, meta: { annotations }, spec: { claimRef: refTo(mine), ...more } });
  const provisioned = { "pv.kubernetes.io/provisioned-by": "example.com/p" };

  it("says whether a volume is free or has its claim", () => {
    assert.deepEqual(planVolume(volume("v", { phase: "Pending" }), undefined), {
      kind: "phase",
      phase: "Available",
    });
    assert.deepEqual(planVolume(of({}, "Available"), mine), { kind: "phase", phase: "Bound" });
    assert.deepEqual(planVolume(of({}), mine), { kind: "nothing" });
    assert.deepEqual(planVolume(of({}), claim("a")), { kind: "askClaim" });
    const raw = planVolume(of({ volumeMode: "Block" }), claim("a"));
    assert.equal(raw.kind, "tell");
  });

  it("releases what has no claim any more, and keeps, leaves to its provisioner or fails it", () => {
    const leave = { kind: "release", reclaim: { kind: "leave" } };
    assert.deepEqual(planVolume(of({ persistentVolumeReclaimPolicy: "Retain" }), undefined), leave);
    const deletes = { persistentVolumeReclaimPolicy: "Delete" };
    assert.deepEqual(planVolume(of(deletes, "Bound", provisioned), undefined), leave);
    const another = claim("a", { meta: { uid: "another" } });
    assert.deepEqual(planVolume(of(deletes, "Bound", provisioned), another), leave);
    const why = (policy: string) => {
      const step = planVolume(of({ persistentVolumeReclaimPolicy: policy }), undefined);
      return step.kind === "release" && step.reclaim.kind === "fail" ? step.reclaim.event.message : "";
    };
    assert.equal(
      why("Delete"),
      'error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
    );
    assert.equal(why("Recycle"), "No recycler plugin found for the volume!");
  });

  it("lets a volume go whose claim has another, or releases it where it was made for the claim", () => {
    const elsewhere = claim("a", { spec: { volumeName: "w" } });
    assert.deepEqual(planVolume(of({}), elsewhere), { kind: "unbind" });
    const made = of({ persistentVolumeReclaimPolicy: "Delete" }, "Bound", provisioned);
    assert.equal(planVolume(made, elsewhere).kind, "release");
  });
});
