import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

/** The same requests to etcd's own gateway and to ours. */
for (const [name, command] of [
  ["etcd", ["etcd"]],
  ["pintle", pintle],
] as const)
  describe(`JSON gateway of ${name}`, function () {
    this.timeout(60_000);
    let store: StoreProcesses;
    before(async function () {
      if (name === "etcd" && etcdMissing) return this.skip();
      store = await startStoreProcesses(1, command);
    });
    after(() => store?.stop());

    async function post(
      path: string,
      body: unknown,
    ): Promise<{ status: number; json: Record<string, unknown> }> {
      const answer = await fetch(`${store.endpoints[0]}${path}`, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
    }

    it("puts, ranges, deletes and runs transactions, in etcd's names", async () => {
      assert.equal((await post("/v3/kv/put", { key: base64("a"), value: base64("1") })).status, 200);
      const { json } = await post("/v3/kv/range", { key: base64("a") });
      assert.deepEqual(Object.keys(json).sort(), ["count", "header", "kvs"]);
      const [kv] = json.kvs as Record<string, string>[];
      assert.deepEqual(kv, {
        key: base64("a"),
        create_revision: kv?.create_revision,
        mod_revision: kv?.mod_revision,
        version: "1",
        value: base64("1"),
      });
      const txn = await post("/v3/kv/txn", {
        compare: [{ key: base64("a"), target: "VALUE", result: "EQUAL", value: base64("1") }],
        success: [
          { requestPut: { key: base64("a"), value: base64("2") } },
          { request_range: { key: base64("a") } },
        ],
      });
      assert.equal(txn.json.succeeded, true);
      assert.equal((await post("/v3/kv/deleterange", { key: base64("a"), prev_kv: true })).json.deleted, "1");
    });

    it("refuses with etcd's texts and clear words for what is no message", async () => {
      const empty = await post("/v3/kv/put", { value: base64("1") });
      assert.equal(empty.status, 400);
      assert.deepEqual(
        { ...empty.json },
        {
          error: "etcdserver: key is not provided",
          code: 3,
          message: "etcdserver: key is not provided",
        },
      );
      if (name === "etcd") return; // it says these in Go's words
      assert.match(
        String((await post("/v3/kv/range", { key: "***" })).json.error),
        /key: base64 is expected/,
      );
      assert.match(
        String((await post("/v3/kv/range", { key: "YQ==", sort_order: "UP" })).json.error),
        /sortOrder: "UP" is not one of NONE, ASCEND, DESCEND/,
      );
      assert.match(String((await post("/v3/kv/range", "{")).json.error), /not JSON/);
    });

    it("streams a watch, a line an answer", async () => {
      const stop = new AbortController();
      const answer = await fetch(`${store.endpoints[0]}/v3/watch`, {
        method: "POST",
        body: JSON.stringify({ create_request: { key: base64("w") } }),
        signal: stop.signal,
      });
      const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
      let seen = "";
      const until = async (pattern: RegExp) => {
        while (!pattern.test(seen)) seen += (await reader?.read())?.value ?? "";
      };
      await until(/"created":true/);
      await post("/v3/kv/put", { key: base64("w"), value: base64("x") });
      await until(/"events":\[\{"kv":\{/);
      stop.abort();
    });

    it("grants and lists leases, members and status", async () => {
      const grant = await post("/v3/lease/grant", { TTL: "60" });
      assert.equal(grant.json.TTL, "60");
      assert.deepEqual((await post("/v3/lease/leases", {})).json.leases, [{ ID: grant.json.ID }]);
      assert.equal(((await post("/v3/cluster/member/list", {})).json.members as unknown[]).length, 1);
      assert.match(String((await post("/v3/maintenance/status", {})).json.version), /^3\./);
    });
  });
