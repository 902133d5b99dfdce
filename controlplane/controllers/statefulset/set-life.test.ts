import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod, StatefulSet } from "../../../client/types.ts";
import { isReady } from "../pod-state.ts";
import { ago, meta, nowMs, pod, template } from "../testing/objects.ts";
import { planStatefulSet } from "./plan-stateful-set.ts";
import { revisionLabel } from "./stateful-pod.ts";

const settings = fc.record({
  policy: fc.constantFrom("OrderedReady", "Parallel"),
  start: fc.constantFrom(0, 3),
  replicas: fc.integer({ min: 0, max: 4 }),
  partition: fc.constantFrom(0, 0, 1, 2),
});
/** What happens to a set: its controller looks, somebody scales or rolls it, or something becomes of one of its pods. */
const happening = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ what: "sync" as const }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom("ready" as const, "unready" as const, "fail" as const, "gone" as const),
      at: fc.nat(6),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.oneof(
      fc.record({ what: fc.constant("scale" as const), replicas: fc.nat(5) }),
      fc.constant({ what: "roll" as const }),
    ),
  },
);
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

/** Pods as they are, beside the plan that is to keep them in order. */
class World {
  readonly pods = new Map<number, Pod>();
  readonly #settings: Settings;
  #replicas: number;
  #round = 1;
  #current = "r1";

  /** All of its pods work. */
  constructor(given: Settings) {
    this.#settings = given;
    this.#replicas = given.replicas;
    for (const ordinal of this.wanted) this.#put(ordinal, this.update, { what: "ready", isGoing: false });
  }

  get wanted(): readonly number[] {
    return Array.from({ length: this.#replicas }, (_, at) => this.#settings.start + at);
  }

  get update(): string {
    return `r${this.#round}`;
  }

  scale(replicas: number): void {
    this.#replicas = replicas;
  }

  roll(): void {
    this.#round++;
  }

  become(ordinal: number, what: "ready" | "unready" | "fail" | "gone"): void {
    const before = this.pods.get(ordinal);
    if (before === undefined) return;
    const isGoing = before.metadata.deletionTimestamp !== undefined;
    if (what !== "gone") this.#put(ordinal, revisionOf(before), { what, isGoing });
    else if (isGoing) this.pods.delete(ordinal);
  }

  /** Of several pods that nobody wants and that have failed, each waits for another, as in Kubernetes, until somebody removes
   *  one. Whether there were any. */
  letGo(): boolean {
    const failed = [...this.pods].flatMap(([ordinal, { status }]) =>
      status?.phase === "Failed" && !this.wanted.includes(ordinal) ? [ordinal] : [],
    );
    return failed.length > 1 && this.pods.delete(Math.max(...failed));
  }

  #put(
    ordinal: number,
    revision: string,
    { what, isGoing }: { readonly what: "ready" | "unready" | "fail"; readonly isGoing: boolean },
  ) {
    const name = `web-${ordinal}`;
    const labels = { [revisionLabel]: revision, "statefulset.kubernetes.io/pod-name": name };
    this.pods.set(
      ordinal,
      pod(name, {
        phase: what === "fail" ? "Failed" : "Running",
        ...(what === "ready" && { readyFor: 5 }),
        meta: { labels, ...(isGoing && { deletionTimestamp: ago(1) }) },
      }),
    );
  }

  /** Works on the set once, and looks whether each step may be taken as things stand. Whether any was. */
  sync(): boolean {
    const { actions, status } = planStatefulSet({
      set: this.#set(),
      current: { name: this.#current, template: template("a:1") },
      update: { name: this.update, template: template("a:2") },
      collisionCount: 0,
      pods: [...this.pods.values()],
      claim: () => undefined,
      nowMs,
    });
    this.#current = status.currentRevision ?? this.#current;
    const created = actions.flatMap((one) => (one.action === "create" ? [one.pod] : []));
    const deleted = actions.flatMap((one) => (one.action === "delete" ? [one.pod] : []));
    if (this.#settings.policy === "OrderedReady") assert.ok(created.length + deleted.length <= 1);
    for (const one of deleted) this.#checkDeletion(one);
    for (const one of created) this.#checkCreation(Number(one.metadata.name?.slice(4)));
    for (const one of deleted) {
      const isFailed = one.status?.phase === "Failed";
      this.#put(ordinalOf(one), revisionOf(one), { what: isFailed ? "fail" : "ready", isGoing: true });
    }
    for (const one of created)
      this.#put(Number(one.metadata.name?.slice(4)), one.metadata.labels?.[revisionLabel] ?? "", {
        what: "unready",
        isGoing: false,
      });
    return created.length + deleted.length > 0;
  }

  #set(): StatefulSet {
    const { policy, start, partition } = this.#settings;
    return {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: meta("web"),
      spec: {
        replicas: this.#replicas,
        serviceName: "web",
        podManagementPolicy: policy,
        ordinals: { start },
        selector: { matchLabels: { app: "web" } },
        template: template("a:2"),
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition } },
      },
    };
  }

  #checkCreation(ordinal: number): void {
    assert.ok(!this.pods.has(ordinal), `a second pod of ordinal ${ordinal}`);
    assert.ok(this.wanted.includes(ordinal), `a pod of ordinal ${ordinal}, which nobody wants`);
    if (this.#settings.policy === "Parallel") return;
    for (const lower of this.wanted.filter((one) => one < ordinal))
      assert.ok(this.#works(lower), `ordinal ${ordinal} starts before ${lower} works`);
  }

  #checkDeletion(one: Pod): void {
    const ordinal = ordinalOf(one);
    assert.equal(one.metadata.deletionTimestamp, undefined, "deleted twice");
    if (one.status?.phase === "Failed") return;
    const isOrdered = this.#settings.policy === "OrderedReady";
    if (!this.wanted.includes(ordinal)) {
      const surplus = [...this.pods.keys()].filter((other) => !this.wanted.includes(other));
      if (isOrdered) assert.equal(ordinal, Math.max(...surplus), "not the highest ordinal goes first");
      if (isOrdered) for (const other of this.wanted) assert.ok(this.#works(other));
      return;
    }
    assert.notEqual(revisionOf(one), this.update, `ordinal ${ordinal} is of the newest template`);
    assert.ok(ordinal >= this.#settings.start + this.#settings.partition, "below the partition");
    for (const other of this.wanted)
      if (isOrdered ? other !== ordinal : other > ordinal)
        assert.ok(this.#works(other), `ordinal ${ordinal} goes while ${other} does not work`);
  }

  #works(ordinal: number): boolean {
    const one = this.pods.get(ordinal);
    return one !== undefined && isReady(one) && one.metadata.deletionTimestamp === undefined;
  }
}

const ordinalOf = ({ metadata }: Pod): number => Number(metadata.name.slice(4));
const revisionOf = ({ metadata }: Pod): string => metadata.labels?.[revisionLabel] ?? "";

describe("controlplane/controllers/statefulset: any life of a set", () => {
  it("has one pod of an ordinal at most, starts and stops in order, rolls one at a time, and gets there", () => {
    fc.assert(
      fc.property(settings, fc.array(happening, { minLength: 20, maxLength: 60 }), (given, life) => {
        const world = new World(given);
        for (const one of life) {
          if (one.what === "sync") world.sync();
          else if (one.what === "scale") world.scale(one.replicas);
          else if (one.what === "roll") world.roll();
          else world.become(given.start + one.at, one.what);
        }
        // From now on all goes well.
        for (let quiet = 0, turn = 0; quiet < 2; turn++) {
          assert.ok(turn < 100, "it comes to an end");
          quiet = world.sync() || world.letGo() ? 0 : quiet + 1;
          for (const [ordinal, one] of world.pods) {
            if (one.metadata.deletionTimestamp !== undefined) world.become(ordinal, "gone");
            else if (one.status?.phase !== "Failed") world.become(ordinal, "ready");
          }
        }
        assert.deepEqual(
          [...world.pods.keys()].sort((a, b) => a - b),
          world.wanted,
        );
        for (const [ordinal, one] of world.pods)
          if (ordinal >= given.start + given.partition) assert.equal(revisionOf(one), world.update);
      }),
      { numRuns: 300 },
    );
  });
});
