import assert from "node:assert/strict";
import fc from "fast-check";
import { systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { systemRandom } from "../../../base/os/random.ts";
import type { Call, HandlerDeps } from "../handlers/call.ts";
import { list } from "../handlers/list.ts";
import { KindTable } from "../registry/kind-table.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { parseFieldSelector, parseLabelSelector } from "../registry/selectors.ts";
import type { StoredEntry } from "../registry/storage.ts";
import { encodeStored, listPrefix, StoredObject } from "../registry/stored-object.ts";
import { pods } from "../resources/pods.ts";
import { CacheHub } from "./cache-hub.ts";
import { KindCache } from "./kind-cache.ts";
import { inScope, type Scope } from "./scope.ts";
import { podEntry } from "./testing/pod-entry.ts";

interface ScopeSaid {
  readonly namespace?: string;
  readonly fields?: string;
  readonly labels?: string;
}

const scopeOf = ({ namespace = "", fields = "", labels = "" }: ScopeSaid): Scope => ({
  prefix: listPrefix(pods, namespace),
  shown: [],
  fields: parseFieldSelector(fields),
  labels: parseLabelSelector(labels),
});

const few = <T>(...values: T[]) => fc.constantFrom(...values);
const write = fc.record({
  name: few("p", "q", "r", "s"),
  namespace: few("a", "a-b", "b"),
  node: few(undefined, "n1", "n2"),
  app: few(undefined, "x", "y"),
  deletes: fc.boolean(),
});
const scopeSaid = fc.record({
  namespace: few("", "a", "a-b", "b"),
  fields: few(
    "",
    "spec.nodeName=n1",
    "spec.nodeName=",
    "spec.nodeName=n1,metadata.name=p",
    "metadata.name=p",
    "metadata.namespace=a",
    "spec.nodeName!=n1",
    "spec.nodeName=n1,spec.nodeName=n2",
  ),
  labels: few("", "app=x", "app!=x"),
});

describe("lists by fields and namespaces", () => {
  it("5000 nodes that list their own pods look at each pod once in all, and namespaces at their own", () => {
    const cache = new KindCache(pods);
    const said = Array.from({ length: 20_000 }, (_, n) => ({
      name: `p${n}`,
      namespace: `ns${n % 100}`,
      node: `n${n % 5000}`,
    }));
    cache.install(cache.read(said.map((one) => podEntry(one, 2))), 2);
    const looked = (scope: ScopeSaid) => cache.candidates(scopeOf(scope)).objects.length;
    let all = 0;
    for (let n = 0; n < 5000; n++) all += looked({ fields: `spec.nodeName=n${n}` });
    assert.equal(all, 20_000);
    assert.equal(looked({ namespace: "ns7" }), 200);
    assert.equal(looked({ namespace: "ns7", fields: "spec.nodeName=n7" }), 4);
    assert.equal(looked({ fields: "metadata.name=p7" }), 1);
    // Where a field tells less than the namespace, the namespace is looked through.
    assert.equal(looked({ namespace: "ns7", fields: "status.phase=" }), 200);
  });

  it("give what a look at every object gives, whatever was written, and whenever they began", () => {
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 40 }),
        fc.array(fc.record({ said: scopeSaid, from: fc.nat(40) }), { minLength: 1, maxLength: 5 }),
        (writes, readers) => {
          const cache = new KindCache(pods);
          cache.install([], 1);
          const all = new Map<string, StoredObject>();
          writes.forEach((one, at) => {
            const revision = at + 2;
            const put = podEntry(one, revision);
            cache.apply(
              [
                one.deletes
                  ? { type: "delete", key: put.key, modRevision: revision }
                  : { type: "put", ...put },
              ],
              revision,
              0,
            );
            if (one.deletes) all.delete(put.key);
            else all.set(put.key, new StoredObject(pods, put));
            for (const { said, from } of readers) {
              if (at < from) continue;
              const scope = scopeOf(said);
              assert.deepEqual(shown(cache.select(scope)), shown(scanned(all.values(), scope)));
            }
          });
          cache.install(cache.read([...all.values()].slice(1).map(asEntry)), 1000);
          for (const { said } of readers) {
            const scope = scopeOf(said);
            const left = [...all.values()].slice(1);
            assert.deepEqual(shown(cache.select(scope)), shown(scanned(left, scope)));
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("give the state that a resourceVersion asks for, as a look at every object of that state does", async () => {
    const [served] = new KindTable([pods]).served;
    assert.ok(served);
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 15 }),
        fc.array(fc.record({ said: scopeSaid, back: fc.nat(15), match: few("", "Exact", "NotOlderThan") }), {
          minLength: 1,
          maxLength: 6,
        }),
        async (writes, asked) => {
          const storage = new MemoryStorage(systemClock);
          const hub = new CacheHub({ storage, clock: systemClock, random: systemRandom, log: silentLog });
          const stop = new AbortController();
          const running = hub.run(stop.signal);
          try {
            const states: { readonly revision: number; readonly all: readonly StoredObject[] }[] = [];
            const all = new Map<string, StoredObject>();
            for (const one of writes) {
              const { key, value } = podEntry(one, 0);
              const change = one.deletes
                ? ({ type: "delete", key } as const)
                : ({ type: "put", key, value } as const);
              await storage.commit({ compare: [], writes: [change] });
              const revision = await storage.revision();
              if (one.deletes) all.delete(key);
              else all.set(key, new StoredObject(pods, podEntry(one, revision)));
              states.push({ revision, all: [...all.values()] });
              // An index that is there already is kept in step.
              await answer({ said: { fields: "spec.nodeName=n1" }, revision: "", match: "" });
            }
            async function answer({ said, revision, match }: AskedList) {
              const query = new URLSearchParams({
                ...(said.fields && { fieldSelector: said.fields }),
                ...(said.labels && { labelSelector: said.labels }),
                ...(revision && { resourceVersion: revision }),
                ...(match && { resourceVersionMatch: match }),
              });
              const target = { namespace: said.namespace ?? "", name: "" };
              const call = { served, target, query } as unknown as Call;
              const given = await list(call, { storage, hub } as unknown as HandlerDeps);
              assert.equal(given.type, "list");
              return given.type === "list" ? given.list.items : [];
            }
            const last = states.at(-1);
            for (const { said, back, match } of asked) {
              const old = states[Math.max(0, states.length - 1 - back)];
              assert.ok(old && last);
              const wanted = match === "Exact" ? old : last;
              const revision = match === "" ? "" : String(old.revision);
              const found = await answer({ said, revision, match });
              assert.deepEqual(shown(found), shown(scanned(wanted.all, scopeOf(said))));
            }
          } finally {
            stop.abort();
            await running.catch(() => undefined); // ended by us
            await storage.close();
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

interface AskedList {
  readonly said: ScopeSaid;
  readonly revision: string;
  readonly match: string;
}

const scanned = (all: Iterable<StoredObject>, scope: Scope) =>
  [...all].filter((object) => inScope(scope, object)).sort((a, b) => (a.key < b.key ? -1 : 1));
const shown = (objects: readonly StoredObject[]) => objects.map(({ key, revision }) => `${key} ${revision}`);
const asEntry = ({ key, object, revision }: StoredObject): StoredEntry => ({
  key,
  value: encodeStored(object),
  modRevision: revision,
});
