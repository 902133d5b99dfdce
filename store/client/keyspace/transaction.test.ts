import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import fc from "fast-check";
import { openStore, type Store } from "../../embedded/open-store.ts";
import type { Entry } from "./entries.ts";
import type { Action, Condition, Operator } from "./transaction-parts.ts";

interface Row {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
}

/** A map, and the obvious way to do a transaction on it. */
class Model {
  rows = new Map<string, Row>();
  revision: number;

  constructor(revision: number) {
    this.revision = revision;
  }

  run(
    conditions: readonly Condition<string>[],
    done: readonly Action<string>[],
    otherwise: readonly Action<string>[],
  ) {
    const succeeded = conditions.every((condition) => this.#holds(condition));
    const actions = succeeded ? done : otherwise;
    const next = this.revision + 1;
    let wrote = false;
    const results = actions.map((action) => {
      if ("put" in action) {
        const key = String(action.put);
        const before = this.rows.get(key);
        wrote = true;
        this.rows.set(key, {
          value: action.value,
          createRevision: before?.createRevision ?? next,
          modRevision: next,
          version: (before?.version ?? 0) + 1,
        });
        return { previous: action.previous === true ? before?.value : undefined };
      }
      if ("delete" in action) {
        const gone = this.#keysOf(action.delete);
        const previous = gone.map((key) => this.rows.get(key)?.value);
        for (const key of gone) this.rows.delete(key);
        if (gone.length > 0) wrote = true;
        return { deleted: gone.length, previous: action.previous === true ? previous : [] };
      }
      if ("get" in action) {
        const found = this.#keysOf(action.get).map((key) => [key, this.rows.get(key)?.value]);
        return typeof action.get === "string" ? found[0] : found;
      }
      throw new Error("the model knows no inner transactions");
    });
    if (wrote) this.revision = next;
    return { succeeded, revision: this.revision, results };
  }

  #keysOf(where: unknown): string[] {
    const keys = [...this.rows.keys()].sort();
    if (typeof where === "string") return keys.filter((key) => key === where);
    return keys.filter((key) => key.startsWith((where as { prefix: string }).prefix));
  }

  #holds(condition: Condition<string>): boolean {
    const row = this.rows.get(String((condition as { key: string }).key));
    if ("exists" in condition) return condition.exists === (row !== undefined);
    const compare = (is: number | string, given: number | string) =>
      ({ "=": is === given, "!=": is !== given, "<": is < given, ">": is > given })[condition.op ?? "="];
    if ("value" in condition) return row !== undefined && compare(row.value, condition.value);
    if ("version" in condition) return compare(row?.version ?? 0, condition.version);
    if ("modRevision" in condition) return compare(row?.modRevision ?? 0, condition.modRevision);
    throw new Error("the model does not know this condition");
  }
}

const key = fc.constantFrom("a/1", "a/2", "b");
const value = fc.constantFrom("x", "y", "z");
const op = fc.constantFrom<Operator>("=", "!=", "<", ">");
const place = fc.oneof(key, fc.constantFrom({ prefix: "a/" }, { prefix: "" }));
const condition: fc.Arbitrary<Condition<string>> = fc.oneof(
  fc.record({ key, exists: fc.boolean() }),
  fc.record({ key, value, op }),
  fc.record({ key, version: fc.nat(3), op }),
  fc.record({ key, modRevision: fc.nat(12), op }),
);
const reads: fc.Arbitrary<Action<string>> = fc.record({ get: place });
/** Each key is written once at most, as etcd wants it. */
const branch: fc.Arbitrary<readonly Action<string>[]> = fc
  .tuple(
    fc.uniqueArray(fc.record({ put: key, value, previous: fc.boolean() }), { selector: ({ put }) => put }),
    fc.array(reads, { maxLength: 2 }),
    fc.option(fc.record({ delete: place, previous: fc.boolean() }), { nil: undefined }),
  )
  .map(([puts, gets, gone]) => (gone === undefined ? [...puts, ...gets] : [...gets, gone]));
const transaction = fc.record({
  conditions: fc.array(condition, { maxLength: 2 }),
  done: branch,
  otherwise: branch,
});

describe("transactions", () => {
  let store: Store<string>;
  before(async () => {
    store = await openStore();
  });
  after(() => store.close());

  it("do what a map does that is looked at and changed at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(transaction, { minLength: 1, maxLength: 12 }), async (transactions) => {
        await store.delete({ prefix: "" });
        const model = new Model(await store.revision());
        for (const { conditions, done, otherwise } of transactions) {
          const outcome = await store
            .txn()
            .if(...conditions)
            .do(...done)
            .else(...otherwise)
            .commit();
          const actions = outcome.succeeded ? done : otherwise;
          const results = outcome.results.map((result, at) => plain(actions[at], result));
          deepStrictEqual(
            { succeeded: outcome.succeeded, revision: outcome.revision, results },
            model.run(conditions, done, otherwise),
          );
        }
        const { entries } = await store.range({ prefix: "" });
        deepStrictEqual(new Map(entries.map((entry) => [entry.key, rowOf(entry)])), model.rows);
      }),
      { numRuns: 150 },
    );
  });

  it("answer by the types of what they do, inner ones too", async () => {
    await store.put("stock", "3");
    const outcome = await store
      .txn()
      .if({ key: "stock", exists: true })
      .do({ get: "stock" }, { get: { prefix: "st" } }, { put: "sold", value: "1", previous: true })
      .do({ txn: store.txn().if({ key: "none", exists: true }).else({ get: "stock" }) })
      .commit();
    ok(outcome.succeeded);
    const [one, page, put, inner] = outcome.results;
    const value: string | undefined = one?.value;
    strictEqual(value, "3");
    strictEqual(page.entries[0]?.key, "stock");
    strictEqual(put.previous, undefined);
    ok(!inner.succeeded);
    strictEqual(inner.results[0]?.value, "3");
  });

  it("compare whole ranges, and leases", async () => {
    const lease = await store.lease(60, { renew: false });
    await store.put("r/1", "x", { lease });
    await store.put("r/2", "x", { lease });
    const isSo = async (...conditions: readonly Condition<string>[]) =>
      (
        await store
          .txn()
          .if(...conditions)
          .commit()
      ).succeeded;
    strictEqual(await isSo({ prefix: "r/", value: "x" }), true);
    strictEqual(await isSo({ prefix: "r/", lease }), true);
    await store.put("r/2", "y");
    strictEqual(await isSo({ prefix: "r/", value: "x" }), false);
    strictEqual(await isSo({ from: "r/1", to: "r/2", lease }), true);
    strictEqual(await isSo({ key: "r/2", lease }), false);
  });

  it("name what is wrong with them", async () => {
    const txn = store.txn();
    await rejects(txn.do({ put: "a", value: "1" }, { put: "a", value: "2" }).commit(), {
      code: "DUPLICATE_KEY",
    });
    await rejects(
      txn.if({ key: "a", version: 1, op: "==" as Operator }).commit(),
      /op: "==" must be "=" or "!="/,
    );
    await rejects(txn.if({ key: "a" } as unknown as Condition<string>).commit(), /a condition says exists/);
    await rejects(txn.do({ set: "a" } as unknown as Action<string>).commit(), /an action says put/);
    await rejects(
      txn.do({ txn: { commit: () => undefined } } as unknown as Action<string>).commit(),
      /made by `txn/,
    );
  });
});

/** A result, as the model has it. */
function plain(action: Action<string> | undefined, result: unknown): unknown {
  if (action === undefined || "txn" in action) throw new Error("no such action");
  if ("put" in action) return { previous: (result as { previous?: Entry<string> }).previous?.value };
  if ("delete" in action) {
    const { deleted, previous } = result as { deleted: number; previous: readonly Entry<string>[] };
    return { deleted, previous: previous.map(({ value: was }) => was) };
  }
  const pair = (entry: Entry<string>) => [entry.key, entry.value];
  if (typeof action.get === "string") return result === undefined ? undefined : pair(result as Entry<string>);
  return (result as { entries: readonly Entry<string>[] }).entries.map(pair);
}

function rowOf({ value, createRevision, modRevision, version }: Entry<string>): Row {
  return { value, createRevision, modRevision, version };
}
