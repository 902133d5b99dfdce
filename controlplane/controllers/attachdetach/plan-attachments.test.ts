import assert from "node:assert/strict";
import fc from "fast-check";
import { attachmentName, uniqueName, volumeNamed } from "../../../client/rules/csi-volume-names.ts";
import type { PersistentVolume, VolumeAttachment } from "../../../client/types.ts";
import { ago, meta, pod, nowMs as wallNowMs } from "../testing/objects.ts";
import {
  type AttachmentStep,
  attachLimits,
  type NodeSeen,
  planAttachments,
  type VolumeSeen,
} from "./plan-attachments.ts";

const csi = { driver: "d.acme.io", handle: "vol^1" };
const volume = (accessModes: readonly string[] = ["ReadWriteOnce"]) =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: meta("pv"),
    spec: { accessModes, csi: { driver: csi.driver, volumeHandle: csi.handle } },
  }) as PersistentVolume;
const attachment = (status: VolumeAttachment["status"] = { attached: false }, more: object = {}) =>
  ({
    apiVersion: "storage.k8s.io/v1",
    kind: "VolumeAttachment",
    metadata: meta("a", { creationTimestamp: ago(1), ...more }),
    status,
  }) as VolumeAttachment;
const node = (name: string, more: Partial<NodeSeen> = {}): NodeSeen => ({
  name,
  pods: [],
  attachment: undefined,
  isReported: false,
  isGone: false,
  isInUse: false,
  isHealthy: true,
  isOutOfService: false,
  unneededSinceMs: undefined,
  ...more,
});
const nowMs = 1_000_000;
const plan = (nodes: readonly NodeSeen[], more: Partial<VolumeSeen> = {}) =>
  planAttachments({ volume: volume(), nodes, nowMs, wallNowMs, forcesOnTimeout: true, ...more });
const kinds = (steps: readonly AttachmentStep[]) => steps.map(({ step, node: on }) => `${step} ${on}`);
const p = [pod("p")];

describe("controlplane/controllers/attachdetach: one volume on all nodes", () => {
  it("has one name in nodes' statuses, and one attachment for each node", () => {
    assert.equal(uniqueName(csi), "kubernetes.io/csi/d.acme.io^vol^1");
    assert.deepEqual(volumeNamed(uniqueName(csi)), csi);
    assert.equal(volumeNamed("kubernetes.io/fc/x"), undefined);
    // sha256 of "vol^1d.acme.ion1"
    assert.equal(
      attachmentName(csi, "n1"),
      "csi-447d2efe7720157784bff0443dbe14595023a889bc991043fef82c25c5a794ed",
    );
  });

  it("is asked for where a pod needs it, and reported to the node once it is there", () => {
    assert.deepEqual(kinds(plan([node("n", { pods: p })])), ["attach n"]);
    const asked = plan([node("n", { pods: p, attachment: attachment() })]);
    assert.deepEqual(asked, [{ step: "wait", node: "n", forMs: attachLimits.answerMs - 1000 }]);
    const there = node("n", { pods: p, attachment: attachment({ attached: true }) });
    assert.deepEqual(kinds(plan([there])), ["report n"]);
    assert.deepEqual(plan([{ ...there, isReported: true }]), []);
  });

  it("is told of where the attacher fails, is silent, or takes it away", () => {
    const why = (one: VolumeAttachment) => {
      const [step] = plan([node("n", { pods: p, attachment: one })]);
      return step?.step === "tell" ? step.why : step?.step;
    };
    assert.equal(
      why(attachment({ attached: false, attachError: { message: "no such disk" } })),
      "no such disk",
    );
    assert.equal(
      why(attachment(undefined, { creationTimestamp: ago(121) })),
      "timed out waiting for external-attacher of d.acme.io CSI driver to attach volume vol^1",
    );
    const going = attachment({ attached: true }, { deletionTimestamp: ago(1) });
    assert.equal(why(going), "volume attachment is being deleted");
    assert.deepEqual(kinds(plan([node("n", { pods: p, attachment: going, isReported: true })])), [
      "unreport n",
      "tell n",
    ]);
    assert.deepEqual(kinds(plan([node("n", { pods: p, isReported: true })])), ["unreport n", "attach n"]);
  });

  it("goes to one node where it is one node's, and to all where it is not", () => {
    const old = node("old", { pods: [pod("o", { meta: { creationTimestamp: ago(9) } })] });
    const young = node("a", { pods: [pod("y", { meta: { creationTimestamp: ago(1) } })] });
    assert.deepEqual(kinds(plan([young, old])), ["attach old"]);
    assert.deepEqual(kinds(plan([young, old], { volume: volume(["ReadWriteMany"]) })), [
      "attach old",
      "attach a",
    ]);
    const holds = { ...old, attachment: attachment({ attached: true }), isReported: true };
    assert.deepEqual(plan([young, holds]), [
      { step: "exclude", node: "a", pods: young.pods, users: old.pods },
    ]);
    const waits = { ...old, attachment: attachment() };
    assert.deepEqual(kinds(plan([young, waits])), ["wait old"]);
  });

  it("stays with a pod of a node that is gone where it is attached, and waits for none where it is not", () => {
    const gone = node("gone", {
      pods: [pod("o", { meta: { creationTimestamp: ago(9) } })],
      isGone: true,
      isHealthy: false,
    });
    const young = node("a", { pods: [pod("y", { meta: { creationTimestamp: ago(1) } })] });
    assert.deepEqual(kinds(plan([gone, young])), ["attach a"]);
    const has = { ...gone, attachment: attachment({ attached: true }) };
    assert.deepEqual(kinds(plan([has, young])), ["exclude a"]);
  });

  it("stays while the node has it mounted, and longer than it may only where the node is lost", () => {
    const has = { attachment: attachment({ attached: true }), isReported: true, isInUse: true };
    const since = (ms: number) => nowMs - ms;
    const late = attachLimits.unmountMs;
    const of = (more: Partial<NodeSeen>, seen: Partial<VolumeSeen> = {}) =>
      plan([node("n", { ...has, ...more })], seen);
    assert.deepEqual(of({ unneededSinceMs: since(1000) }), [{ step: "wait", node: "n", forMs: late - 1000 }]);
    assert.deepEqual(of({ unneededSinceMs: since(late) }), []);
    const forced = (steps: readonly AttachmentStep[]) =>
      steps.map((step) => (step.step === "detach" ? (step.forcedBy ?? "not forced") : step.step));
    assert.deepEqual(forced(of({ unneededSinceMs: since(late), isHealthy: false })), ["timeout"]);
    assert.deepEqual(of({ unneededSinceMs: since(late), isHealthy: false }, { forcesOnTimeout: false }), []);
    assert.deepEqual(forced(of({ isOutOfService: true })), ["out-of-service"]);
    assert.deepEqual(forced(of({ isInUse: false })), ["not forced"]);
    assert.deepEqual(forced(of({ isInUse: false, attachment: undefined })), ["unreport"]);
  });

  it("goes from everywhere once its driver needs no attaching", () => {
    const has = node("n", { pods: p, attachment: attachment({ attached: true }), isReported: true });
    assert.deepEqual(kinds(plan([has], { volume: undefined })), ["detach n"]);
  });

  describe("in any life", () => {
    const names = ["a", "b", "c"] as const;
    const happenings = [
      ...["use", "remove", "plan", "use", "remove", "plan", "lost", "later"],
      ...["schedule", "remove", "attached", "failed", "detached", "mount", "unmount", "plan"],
      ...["lost", "back", "outOfService", "inService", "gone", "later"],
    ] as const;
    const life = fc.array(
      fc.record({ what: fc.constantFrom(...happenings), node: fc.constantFrom(...names) }),
      { maxLength: 120, size: "max" },
    );

    /** A cluster of three nodes. Those that are well obey: a volume is mounted only where it is reported, and unmounted where no
     *  pod is. Those that are not change nothing. */
    class Model {
      readonly nodes = new Map<string, NodeSeen>(names.map((name) => [name, node(name)]));
      readonly #volume: PersistentVolume;
      /** Nodes that the volume was taken from under their hands. */
      readonly #forced = new Set<string>();
      #nowMs = nowMs;

      constructor(accessModes: readonly string[]) {
        this.#volume = volume(accessModes);
      }

      set(name: string, more: Partial<NodeSeen>): void {
        const found = this.nodes.get(name);
        if (found !== undefined) this.nodes.set(name, { ...found, ...more });
      }

      happens(what: string, name: string): void {
        const seen = this.nodes.get(name) ?? node(name);
        const { attachment: asked, pods, isReported, isHealthy, isGone } = seen;
        const isGoing = asked?.metadata.deletionTimestamp !== undefined;
        if (what === "use")
          for (const each of ["schedule", "plan", "attached", "plan", "mount"]) this.happens(each, name);
        if (what === "schedule" && isHealthy) this.set(name, { pods: p });
        if (what === "remove") this.set(name, { pods: [] });
        if (what === "attached" && asked && !isGoing)
          this.set(name, { attachment: attachment({ attached: true }) });
        if (what === "failed" && asked?.status?.attached === false && !isGoing)
          this.set(name, { attachment: attachment({ attached: false, attachError: { message: "no" } }) });
        if (what === "detached" && isGoing) this.set(name, { attachment: undefined });
        if (what === "mount" && isHealthy && isReported && pods.length > 0) this.set(name, { isInUse: true });
        if (what === "unmount" && isHealthy && pods.length === 0) {
          this.#forced.delete(name);
          this.set(name, { isInUse: false });
        }
        if (what === "lost") this.set(name, { isHealthy: false });
        if (what === "back") this.set(name, { isHealthy: true, isGone: false });
        if (what === "outOfService" && !isGone) this.set(name, { isOutOfService: true });
        if (what === "inService") this.set(name, { isOutOfService: false });
        if (what === "gone")
          this.set(name, { isGone: true, isHealthy: false, isOutOfService: false, isReported: false });
        if (what === "later") this.#nowMs += attachLimits.unmountMs / 4;
        if (what === "plan") this.plan();
        this.#check();
      }

      plan(): void {
        for (const { name, pods, unneededSinceMs = this.#nowMs } of this.nodes.values())
          this.set(name, { unneededSinceMs: pods.length > 0 ? undefined : unneededSinceMs });
        const seen = { volume: this.#volume, nowMs: this.#nowMs };
        for (const step of plan([...this.nodes.values()], seen)) {
          const { node: name } = step;
          const isWrite = step.step === "attach" || step.step === "report";
          assert.ok(
            !isWrite || this.nodes.get(name)?.isGone === false,
            "nothing comes to a node that is gone",
          );
          if (step.step === "attach") this.set(name, { attachment: attachment() });
          if (step.step === "report") this.set(name, { isReported: true });
          if (step.step === "unreport") this.set(name, { isReported: false });
          if (step.step === "detach") this.#detach(name);
        }
      }

      #detach(name: string): void {
        const { isInUse, isHealthy, isOutOfService, unneededSinceMs, pods } =
          this.nodes.get(name) ?? node(name);
        assert.equal(pods.length, 0, "taken from a pod");
        const isLate = this.#nowMs - (unneededSinceMs ?? this.#nowMs) >= attachLimits.unmountMs;
        assert.ok(!isInUse || isOutOfService || (isLate && !isHealthy), "taken away while it is in use");
        if (isInUse) this.#forced.add(name);
        const going = attachment({ attached: true }, { deletionTimestamp: ago(1) });
        this.set(name, { isReported: false, attachment: going });
      }

      #check(): void {
        const all = [...this.nodes.values()];
        const mayHave = (this.#volume.spec.accessModes ?? []).includes("ReadWriteMany") ? names.length : 1;
        assert.ok(all.filter(({ attachment: asked }) => asked !== undefined).length <= mayHave);
        for (const { name, isInUse, attachment: asked } of all)
          assert.ok(
            !isInUse || this.#forced.has(name) || asked?.status?.attached === true,
            "mounted, not attached",
          );
      }

      /** Lets everything end: time passes, attachers answer, and pods of nodes that went go too. Nodes stay as they are. */
      settle(): void {
        for (const { name, isGone } of [...this.nodes.values()]) if (isGone) this.happens("remove", name);
        for (let round = 0; round < 10; round++)
          for (const what of ["plan", "attached", "unmount", "detached", "later"])
            for (const name of names) this.happens(what, name);
      }
    }

    for (const [what, modes, most] of [
      ["one node's", ["ReadWriteOnce"], 1],
      ["everybody's", ["ReadWriteMany"], 3],
    ] as const)
      it(`${what} volume is nowhere it may not be, and in the end where it is needed`, () => {
        fc.assert(
          fc.property(life, (events) => {
            const model = new Model(modes);
            for (const { what: event, node: name } of events) model.happens(event, name);
            model.settle();
            const all = [...model.nodes.values()];
            const there = all.filter(({ isReported }) => isReported).map(({ name }) => name);
            const needed = all.filter(({ pods }) => pods.length > 0).map(({ name }) => name);
            assert.equal(there.length, Math.min(needed.length, most));
            assert.ok(there.every((name) => needed.includes(name)));
            for (const one of all)
              assert.ok(one.attachment === undefined || there.includes(one.name), "left behind");
          }),
          { numRuns: 500 },
        );
      });
  });
});
