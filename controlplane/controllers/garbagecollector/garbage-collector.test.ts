import assert from "node:assert/strict";
import fc from "fast-check";
import type { OwnerReference } from "../../../client/types.ts";
import { meta } from "../testing/objects.ts";
import { OwnerGraph, type Seen } from "./owner-graph.ts";
import { type OwnerState, planItem } from "./plan-item.ts";

const reference = (name: string, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: "v1",
  kind: "Thing",
  name,
  uid: `uid-${name}`,
  ...more,
});
const thing = (name: string, owners: OwnerReference[] = [], more: Parameters<typeof meta>[1] = {}): Seen => ({
  apiVersion: "v1",
  kind: "Thing",
  metadata: meta(name, { ownerReferences: owners, ...more }),
});
const states = (all: Record<string, OwnerState>) =>
  new Map(Object.entries(all).map(([name, state]) => [`uid-${name}`, state]));

describe("controlplane/controllers/garbagecollector/plan-item", () => {
  const two = thing("x", [reference("a"), reference("b")]);

  it("deletes only what has no owner left", () => {
    assert.deepEqual(planItem(two, states({ a: "absent", b: "absent" }), []), [
      { action: "delete", policy: "Background" },
    ]);
    assert.deepEqual(planItem(two, states({ a: "absent", b: "present" }), []), [
      { action: "setOwners", ownerReferences: [reference("b")] },
    ]);
    assert.deepEqual(planItem(two, states({ a: "present", b: "present" }), []), []);
    assert.deepEqual(planItem(two, states({ a: "absent", b: "unknown" }), []), [
      { action: "setOwners", ownerReferences: [reference("b")] },
    ]);
    assert.deepEqual(planItem(thing("x"), new Map(), []), []);
  });

  it("deletes after its own dependents when its owner waits", () => {
    const graph = new OwnerGraph(() => undefined);
    graph.put(thing("a"));
    graph.put(two);
    graph.put(thing("y", [reference("x", { blockOwnerDeletion: true })]));
    const waiting = states({ a: "waitingForDependents", b: "absent" });
    assert.deepEqual(planItem(two, waiting, graph.dependents("uid-x")), [
      { action: "delete", policy: "Foreground" },
    ]);
    assert.deepEqual(planItem(two, waiting, []), [{ action: "delete", policy: "Background" }]);
  });

  it("lets a foreground deletion end only when nothing blocks it", () => {
    const deleting = { deletionTimestamp: "x", finalizers: ["foregroundDeletion"] };
    const graph = new OwnerGraph(() => undefined);
    graph.put(thing("x", [], deleting));
    graph.put(thing("y", [reference("x", { blockOwnerDeletion: true })]));
    const item = thing("x", [], deleting);
    assert.deepEqual(planItem(item, new Map(), graph.dependents("uid-x")), [
      { action: "look", uids: ["uid-y"] },
    ]);
    graph.remove("uid-y");
    assert.deepEqual(planItem(item, new Map(), graph.dependents("uid-x")), [
      { action: "removeFinalizer", finalizer: "foregroundDeletion" },
    ]);
  });
});

describe("controlplane/controllers/garbagecollector/owner-graph", () => {
  const make = () => {
    const looked: string[] = [];
    return { graph: new OwnerGraph((uid) => looked.push(uid)), looked };
  };

  it("looks at an owner that was never seen, and at dependents when an owner goes", () => {
    const { graph, looked } = make();
    graph.put(thing("x", [reference("a")]));
    assert.deepEqual(looked.splice(0), ["uid-a"]);
    assert.equal(graph.get("uid-a")?.virtual, true);
    graph.put(thing("a"));
    assert.equal(graph.get("uid-a")?.virtual, false);
    graph.remove("uid-a");
    assert.deepEqual(looked.splice(0), ["uid-x"]);
    graph.remove("uid-x");
    assert.equal(graph.size, 0);
  });

  it("looks at what names an owner in another namespace", () => {
    const { graph, looked } = make();
    graph.put(thing("a"));
    graph.put(thing("x", [reference("a")], { namespace: "other" }));
    assert.deepEqual(looked, ["uid-x"]);
  });

  it("collects exactly what is not held by a living root, never anything else, in any order of events", () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const owners = fc.array(fc.subarray(names), { minLength: names.length, maxLength: names.length });
    const order = fc.array(fc.nat(100), { minLength: 12, maxLength: 40 });
    fc.assert(
      fc.property(owners, fc.subarray(names), order, (edges, deleted, picks) => {
        const world = new World(names, edges);
        for (const pick of picks) world.event(pick, deleted);
        world.finish(deleted);
      }),
      { numRuns: 300 },
    );
  });
});

/** Objects on a server, a graph that hears of them late and in any order of kinds, and the collector. */
class World {
  readonly #server = new Map<string, Seen>();
  readonly #queue = new Set<string>();
  readonly #graph = new OwnerGraph((uid) => this.#queue.add(uid));
  readonly #events: { name: string; tell: () => void }[] = [];
  readonly #deleted: string[] = [];

  /** Object i may be owned by objects before it only, so that what must stay is plain. */
  constructor(names: readonly string[], edges: readonly string[][]) {
    names.forEach((name, i) => {
      const owners = (edges[i] ?? [])
        .filter((owner) => names.indexOf(owner) < i)
        .map((owner) => reference(owner));
      const object = thing(name, owners);
      this.#server.set(`uid-${name}`, object);
      this.#events.push({ name, tell: () => this.#graph.put(object) });
    });
  }

  event(pick: number, deleted: readonly string[]): void {
    if (pick % 3 === 0) this.#hear(pick);
    else if (pick % 3 === 1) this.#collect(pick);
    else {
      const name = deleted[pick % Math.max(1, deleted.length)];
      if (name !== undefined) this.#delete(`uid-${name}`);
    }
  }

  finish(deleted: readonly string[]): void {
    for (const name of deleted) this.#delete(`uid-${name}`);
    for (let i = 0; i < 500; i++) {
      this.#hear(0);
      this.#collect(0);
    }
    for (const { metadata } of this.#server.values()) {
      const owners = metadata.ownerReferences ?? [];
      const held = owners.length === 0 || owners.some(({ uid }) => this.#server.has(uid));
      assert.ok(held, `${metadata.name} was left behind`);
    }
  }

  /** Events of one object stay in order; those of different objects come as they like. */
  #hear(pick: number): void {
    const at = this.#events[pick % Math.max(1, this.#events.length)];
    const first = this.#events.findIndex(({ name }) => name === at?.name);
    if (first >= 0) this.#events.splice(first, 1)[0]?.tell();
  }

  #collect(pick: number): void {
    const uid = [...this.#queue][pick % Math.max(1, this.#queue.size)];
    if (uid === undefined) return;
    this.#queue.delete(uid);
    const node = this.#graph.get(uid);
    if (node === undefined) return;
    if (node.virtual && !this.#server.has(uid))
      for (const one of this.#graph.dependents(uid)) this.#judge(one.uid);
    else if (!node.virtual) this.#judge(uid);
  }

  #judge(uid: string): void {
    const live = this.#server.get(uid);
    if (live === undefined) return;
    const owners = live.metadata.ownerReferences ?? [];
    const found = new Map(
      owners.map((one) => [one.uid, this.#server.has(one.uid) ? "present" : "absent"] as const),
    );
    for (const step of planItem(live, found, this.#graph.dependents(uid))) {
      if (step.action === "setOwners") {
        const next = thing(live.metadata.name, [...step.ownerReferences]);
        this.#server.set(uid, next);
        this.#events.push({ name: live.metadata.name, tell: () => this.#graph.put(next) });
      }
      if (step.action !== "delete") continue;
      assert.ok(
        owners.every((one) => !this.#server.has(one.uid)),
        `${live.metadata.name} has a living owner`,
      );
      assert.ok(owners.length > 0, `${live.metadata.name} never had an owner`);
      this.#deleted.push(uid);
      this.#delete(uid);
    }
  }

  #delete(uid: string): void {
    const gone = this.#server.get(uid);
    if (gone === undefined) return;
    this.#server.delete(uid);
    this.#events.push({ name: gone.metadata.name, tell: () => this.#graph.remove(uid) });
  }
}
