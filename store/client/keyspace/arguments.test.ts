import { deepStrictEqual, rejects, strictEqual, throws } from "node:assert/strict";
import { openStore, type Store } from "../../embedded/open-store.ts";
import { connect } from "../connect.ts";
import { usersOf } from "../users.ts";
import type { Keyspace } from "./api.ts";
import { bytes } from "./codec.ts";
import { KeyFolder } from "./places.ts";

/** As a program without types calls it. */
// biome-ignore lint/suspicious/noExplicitAny: that is what is looked at
type Untyped = any;

describe("what a keyspace is handed", () => {
  let store: Store<string>;
  before(async () => {
    store = await openStore();
    for (const key of ["a", "b", "c"]) await store.put(key, key);
  });
  after(() => store.close());
  const loose = (): Untyped => store;

  it("is refused by name where it is unknown or not of its kind, and nothing is done", async () => {
    const calls: Record<string, (keys: Untyped) => unknown> = {
      "ttl: there is no such option": (keys) => keys.put("x", "1", { ttl: 5 }),
      "the options: null must be": (keys) => keys.put("x", "1", null),
      "lease: 5 must be a lease": (keys) => keys.put("x", "1", { lease: 5 }),
      "lease: an object must be a lease": (keys) => keys.put("x", "1", { lease: {} }),
      "lease: 18446744073709551616n must be": (keys) => keys.put("x", "1", { lease: 2n ** 64n }),
      "5 is no key": (keys) => keys.put(5, "1"),
      "a list is no key": (keys) => keys.put(["x"], "1"),
      "undefined is no key": (keys) => keys.get(),
      "revision: -1 must be": (keys) => keys.get("a", { revision: -1 }),
      'revision: "3" must be': (keys) => keys.get("a", { revision: "3" }),
      "revision: 1.5 must be": (keys) => keys.get("a", { revision: 1.5 }),
      "timeoutMs: 0 must be": (keys) => keys.get("a", { timeoutMs: 0 }),
      "timeoutMs: NaN must be": (keys) => keys.get("a", { timeoutMs: Number.NaN }),
      "signal: an object must be": (keys) => keys.get("a", { signal: {} }),
      "limit: Infinity must be": (keys) => keys.range({ prefix: "" }, { limit: Number.POSITIVE_INFINITY }),
      "limit: NaN must be": (keys) => keys.keys({ prefix: "" }, { limit: Number.NaN }),
      'order: "desc" must be': (keys) => keys.range({ prefix: "" }, { order: "desc" }),
      "keysOnly: there is no": (keys) => keys.range({ prefix: "" }, { keysOnly: true }),
      "pageSize: 0 must be": (keys) => keys.entries({ prefix: "" }, { pageSize: 0 }).next(),
      "limit: there is no": (keys) => keys.entries({ prefix: "" }, { limit: 1 }).next(),
      "until has no meaning here": (keys) => keys.delete({ from: "a", until: "b" }),
      "from has no meaning here": (keys) => keys.delete({ from: "a", prefix: "b" }),
      "this says no keys": (keys) => keys.delete({}),
      "this says no keys;": (keys) => keys.delete({ prefix: undefined }),
      "undefined says no keys": (keys) => keys.delete(),
      "revision: NaN must be": (keys) => keys.compact(Number.NaN),
      "revision: says nothing": (keys) => keys.compact(),
      "change: undefined must be a function": (keys) => keys.update("a"),
      "ttlSeconds: Infinity must be": (keys) => keys.lease(Number.POSITIVE_INFINITY),
      "ttlSeconds: 0 must be": (keys) => keys.lease(0),
      "ttlSeconds: undefined must be": (keys) => keys.lease(),
      "renews: there is no": (keys) => keys.lease(5, { renews: false }),
      "ttlSeconds: -1 must be": (keys) => keys.lock("l", { ttlSeconds: -1 }),
      "lease: 5n must be": (keys) => keys.lock("l", { lease: 5n }),
      "ttl: there is no such": (keys) => keys.tryLock("l", { ttl: 5 }),
      "ttl: there is no such option;": (keys) => keys.election("e").campaign("me", { ttl: 5 }),
      "from: there is no": (keys) => keys.election("e").observe({ from: 1 }).next(),
      "a codec must be": async (keys) => keys.as({}),
      "must be a codec|a codec must": async (keys) => keys.namespace("n/", "json"),
    };
    const { revision } = await store.put("before", "1");
    for (const [words, call] of Object.entries(calls))
      await rejects(async () => call(store), { name: "TypeError", message: new RegExp(words) }, words);
    strictEqual(await store.revision(), revision);
  });

  it("spoils no watch of others", async () => {
    for (const from of [Number.NaN, "3", 1.5, -1])
      throws(() => loose().watch("a", { from }), { name: "TypeError" });
    throws(() => loose().watch("a", { only: "x" }), /only: "x" must be "put" or "delete"/);
    const watch = store.watch("a");
    strictEqual(await watch.started, await store.revision());
    watch.close();
  });

  it("means one thing in a transaction, or the transaction is refused", async () => {
    const wrong: Record<string, Untyped> = {
      "one of them: not exists and value": { key: "a", exists: true, value: "z" },
      "op: there is no such option": { key: "a", exists: true, op: "!=" },
      "modRevision: undefined says nothing": { key: "zzz", modRevision: undefined },
      'exists: "false" must be': { key: "a", exists: "false" },
      "lease: 5 must be": { key: "a", lease: 5 },
      "version: NaN must be": { key: "a", version: Number.NaN },
      "looks at a key or at a range": { key: "a", prefix: "b", value: "1" },
      "this says no keys": { value: "1" },
      "other: there is no": { key: "a", value: "1", other: 1 },
      "a condition says exists": null,
    };
    for (const [words, condition] of Object.entries(wrong))
      await rejects(loose().txn().if(condition).commit(), { name: "TypeError", message: new RegExp(words) });
    const actions: Record<string, Untyped> = {
      "one of them: not put and delete": { put: "a", value: "1", delete: "b" },
      "revision: there is no": { get: { prefix: "" }, revision: 1 },
      "limit: NaN must be": { get: { prefix: "" }, limit: Number.NaN },
      "an action says put": [{ put: "a", value: "1" }],
    };
    for (const [words, action] of Object.entries(actions))
      await rejects(loose().txn().do(action).commit(), { name: "TypeError", message: new RegExp(words) });
  });

  it("is nothing where a range ends before it begins, also by a zero, which alone means all on the wire", async () => {
    for (const where of [
      { from: "a", to: "\0" },
      { from: "", to: "\0" },
      { from: "c", to: "a" },
    ]) {
      strictEqual(await store.count(where), 0);
      strictEqual((await store.delete(where)).deleted, 0);
    }
    strictEqual(await store.count({ from: "a", to: "b" }), 1);
    strictEqual(await store.count({ from: "a" }), await store.count({ prefix: "" }));
  });

  it("is text or refused: half a character would become another's", async () => {
    await rejects(store.put("\ud800", "1"), /half a surrogate pair/);
    await rejects(store.put("text", "a\udfffb"), { name: "ValueError" });
    await rejects(store.get("x\ud800"), TypeError);
    await store.put("😀", "😀");
    strictEqual((await store.get("😀"))?.value, "😀");
  });

  it("is what it was when it was handed in, whoever writes into it later", async () => {
    const prefix = Uint8Array.of(110, 47);
    const within: Keyspace<string> = store.namespace(prefix);
    prefix[0] = 109;
    await within.put("k", "1");
    strictEqual((await store.get("n/k"))?.value, "1");
  });

  it("is written by a codec as bytes, or not at all", async () => {
    for (const encode of [(value: string) => value, () => undefined, () => 5]) {
      const codec = { name: "odd", encode: encode as unknown as () => Uint8Array, decode: () => "" };
      await rejects(store.as(codec).put("odd", "x"), { name: "ValueError" });
    }
    await store.as(bytes).put("odd", Buffer.from("x"));
    deepStrictEqual((await store.get("odd"))?.value, "x");
  });

  it("lets no right be given that does not exist", async () => {
    const users: Untyped = usersOf(loose(), new KeyFolder(""));
    await rejects(users.roles.allow("r", "wrte", { prefix: "" }), /rights: "wrte" must be/);
    await rejects(users.add("", "x"), /name: must be a text that is not empty/);
    await rejects(users.add("ann", 5), /password: must be a text, not "number"/);
  });
});

describe("what is handed to connect", () => {
  it("is refused in one go, a line each", () => {
    const wrong: readonly [Untyped, RegExp][] = [
      [undefined, /the options: undefined must be an object/],
      [5, /the options: 5 must be an object/],
      [[], /endpoints: at least one is needed/],
      [{ endpoint: "a:1" }, /endpoint: there is no such option/],
      [{ endpoints: [5] }, /endpoints: a list must be an address/],
      [["a:1", "ftp://b:1", "c"], /"ftp:\/\/b:1" must look like .*\n.*"c" must look like/s],
      [{ endpoints: "a:1", user: { name: "root" } }, /user.password: is needed/],
      [{ endpoints: "a:1", user: "root" }, /user: "root" must be an object/],
      [{ endpoints: "http://a:1", tls: {} }, /tls: http:\/\/a:1 is spoken to without TLS/],
      [{ endpoints: "a:1", tls: { cert: "x" } }, /tls.cert: there is no such option/],
      [{ endpoints: "a:1", tls: { ca: "x" } }, /tls.ca: is no PEM text/],
      [{ endpoints: "a:1", tls: { certificate: "x" } }, /certificate and key go together/],
      [{ endpoints: "a:1", tls: { certificate: "x", key: "y" } }, /^UsageError: tls: /],
      [{ endpoints: "a:1", timeoutMs: -1, seed: "x" }, /timeoutMs: -1 .*\nseed: "x" /s],
    ];
    for (const [options, words] of wrong)
      throws(
        () => connect(options),
        (error: Error) => error.name === "UsageError" && words.test(`${error}`),
        String(words),
      );
  });
});
