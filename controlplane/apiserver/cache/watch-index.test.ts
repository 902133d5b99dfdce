import assert from "node:assert/strict";
import fc from "fast-check";
import { parseFieldSelector, parseLabelSelector } from "../registry/selectors.ts";
import type { Change } from "../registry/storage.ts";
import { listPrefix } from "../registry/stored-object.ts";
import { pods } from "../resources/pods.ts";
import { KindCache } from "./kind-cache.ts";
import type { Scope } from "./scope.ts";
import { type PodSaid, podEntry } from "./testing/pod-entry.ts";
import { type Notice, WatchCursor } from "./watch-cursor.ts";

function put(pod: PodSaid, modRevision: number): Change {
  return { type: "put", ...podEntry(pod, modRevision) };
}

function scopeOf(said: {
  readonly namespace?: string;
  readonly fields?: string;
  readonly labels?: string;
}): Scope {
  const { namespace = "", fields = "", labels = "" } = said;
  return {
    prefix: listPrefix(pods, namespace),
    shown: [],
    fields: parseFieldSelector(fields),
    labels: parseLabelSelector(labels),
  };
}

const deaf = { wake: () => {}, end: () => {} };

function unread(cursor: WatchCursor): string[] {
  const told: string[] = [];
  for (let notice = cursor.next(); notice !== undefined; notice = cursor.next()) {
    if (notice === "gone") return [...told, "gone"];
    told.push(shown(notice));
  }
  return told;
}
const shown = ({ type, object, revision }: Notice) => `${type} ${object.key} ${revision}`;

describe("watchers found by what they want", () => {
  it("an event on one of 5000 nodes wakes the watcher of its node only, and whoever watches all", () => {
    const cache = new KindCache(pods);
    cache.install([], 1);
    let woken: string[] = [];
    const follow = (name: string, scope: Scope) =>
      cache.follow({ wake: () => woken.push(name), end: () => {} }, scope);
    for (let n = 0; n < 5000; n++) follow(`node ${n}`, scopeOf({ fields: `spec.nodeName=n${n}` }));
    follow("everything", scopeOf({}));
    follow("namespace a", scopeOf({ namespace: "a" }));
    follow("namespace b", scopeOf({ namespace: "b" }));
    follow("app x", scopeOf({ labels: "app=x" }));
    follow("pod p", scopeOf({ namespace: "a", fields: "metadata.name=p" }));
    cache.apply([put({ name: "p", namespace: "a", node: "n7" }, 2)], 2, 0);
    assert.deepEqual(woken.sort(), ["everything", "namespace a", "node 7", "pod p"]);
    woken = [];
    cache.apply([put({ name: "p", namespace: "a", node: "n8", app: "x" }, 3)], 3, 0);
    assert.deepEqual(woken.sort(), ["app x", "everything", "namespace a", "node 7", "node 8", "pod p"]);
  });

  it("are told what they would be told if they looked at every event, whenever they come and however late they read", () => {
    const few = <T>(...values: T[]) => fc.constantFrom(...values);
    const event = fc.record({
      name: few("p", "q", "r"),
      namespace: few("a", "b"),
      node: few(undefined, "n1", "n2"),
      app: few(undefined, "x", "y"),
      deletes: fc.boolean(),
    });
    const scope = fc
      .record({
        namespace: few("", "a", "b"),
        fields: few("", "spec.nodeName=n1", "spec.nodeName=", "metadata.name=p", "spec.nodeName!=n1"),
        labels: few("", "app=x", "app!=x", "app in (x,y)"),
      })
      .map(scopeOf);
    const watcher = fc.record({ scope, from: fc.nat(20), joins: fc.nat(20), reads: fc.nat(30) });
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 30 }),
        fc.array(watcher, { minLength: 1, maxLength: 6 }),
        few(4, 1000),
        (events, watchers, eventsMin) => {
          const cache = new KindCache(pods, { limits: { ageMinMs: 0, eventsMin, unpackedMax: 2 } });
          cache.install([], 1);
          const pairs: {
            readonly found: WatchCursor;
            readonly plain: WatchCursor;
            readonly reads: number;
          }[] = [];
          const compare = (pair: (typeof pairs)[number]) => {
            const [found, plain] = [unread(pair.found), unread(pair.plain)];
            // Who looks at all may find that some are gone which did not concern him.
            if (plain.at(-1) !== "gone") assert.deepEqual(found, plain);
          };
          events.forEach((said, at) => {
            const revision = at + 2;
            for (const { scope: wanted, from, joins, reads } of watchers) {
              if (joins !== at) continue;
              const after = Math.max(cache.window.floorRevision, Math.min(from, cache.revision));
              const [found, plain] = [0, 0].map(() => new WatchCursor(cache, wanted, { after }));
              assert.ok(found && plain);
              found.follow(cache.follow(deaf, wanted).share);
              pairs.push({ found, plain, reads });
            }
            const change = put(said, revision);
            const { key, modRevision } = change;
            cache.apply(
              [said.deletes ? { type: "delete", key, modRevision } : change],
              revision,
              revision * 10,
            );
            for (const pair of pairs) if (at % (pair.reads + 1) === 0) compare(pair);
          });
          pairs.forEach(compare);
        },
      ),
      { numRuns: 300 },
    );
  });

  it("let go of what nobody wants any more, and end with the cache", () => {
    const cache = new KindCache(pods);
    cache.install([], 1);
    let ended = 0;
    const leaves = ["n1", "n2"].map(
      (node) =>
        cache.follow({ wake: () => {}, end: () => ended++ }, scopeOf({ fields: `spec.nodeName=${node}` }))
          .leave,
    );
    assert.equal(cache.listenerCount, 2);
    cache.endListeners();
    assert.equal(ended, 2);
    for (const leave of leaves) leave();
    assert.equal(cache.listenerCount, 0);
  });
});
