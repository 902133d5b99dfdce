import assert from "node:assert/strict";
import { createHash } from "node:crypto";
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
    this.timeout(300_000);
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
        body: typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body),
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

    it("counts what is asked in JSON among the calls of gRPC", async () => {
      const shown = async () => {
        const lines = (await (await fetch(`${store.endpoints[0]}/metrics`)).text()).split("\n");
        const sumOf = (family: string, ...labels: readonly string[]) =>
          lines
            .filter((line) => line.startsWith(family) && labels.every((label) => line.includes(label)))
            .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
        const method = 'grpc_method="Put"';
        return {
          taken: sumOf("grpc_server_handled_total", method, 'grpc_code="OK"'),
          refused: sumOf("grpc_server_handled_total", method, 'grpc_code="InvalidArgument"'),
          started: sumOf("grpc_server_started_total", method),
          received: sumOf("grpc_server_msg_received_total", method),
          sent: sumOf("grpc_server_msg_sent_total", method),
          asked: sumOf("etcd_server_client_requests_total", 'type="unary"'),
        };
      };
      const before = await shown();
      await post("/v3/kv/put", { key: base64("counted"), value: base64("1") });
      await post("/v3/kv/put", { value: base64("1") });
      await post("/v3/kv/put", "no message");
      const now = await shown();
      assert.deepEqual(
        Object.entries(now).map(([what, count]) => [what, count - before[what as keyof typeof now]]),
        [
          ["taken", 1],
          ["refused", 1],
          ["started", 2],
          ["received", 2],
          ["sent", 1],
          ["asked", 2],
        ],
      );
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
      for (const [body, reason] of [
        [{ key: "***" }, /key: base64 is expected/],
        [{ key: "YQ==", sort_order: "UP" }, /sort_order: one of NONE, ASCEND, DESCEND is expected/],
        ["{", /the body ends|unexpected the end/],
        ['{"key":"YQ=="}{"key":"YQ=="}', /one message is expected/],
        [Buffer.from([0x7b, 0xff]), /not UTF-8/],
      ] as const) {
        const { status, json } = await post("/v3/kv/range", body);
        assert.deepEqual([status, json.code], [400, 3]);
        assert.match(String(json.message), reason);
      }
    });

    it("takes no value that is not of its field's type, and stores nothing then", async () => {
      for (const [path, body] of [
        ["/v3/kv/put", '{"key":"dHlwZQ==","value":"YQ=","lease":0}'],
        ["/v3/kv/put", '{"key":"dHlwZQ==","value":"Y"}'],
        ["/v3/kv/put", '{"key":"dHlwZQ==","prev_kv":"false"}'],
        ["/v3/kv/put", '{"key":"dHlwZQ==","lease":9223372036854775808}'],
        ["/v3/kv/put", '{"key":"dHlwZQ==","lease":1.5}'],
        ["/v3/kv/put", '{"key":5}'],
        ["/v3/kv/put", '["dHlwZQ=="]'],
        ["/v3/cluster/member/add", '{"peerURLs":[5]}'],
        ["/v3/cluster/member/remove", '{"ID":-1}'],
        ["/v3/lease/grant", '{"TTL":18446744073709551616}'],
      ] as const) {
        const { status, json } = await post(path, body);
        assert.deepEqual([status, json.code], [400, 3], `${body}: ${JSON.stringify(json)}`);
      }
      assert.equal((await post("/v3/kv/range", { key: base64("type") })).json.count, undefined);
    });

    it("refuses deep nesting as a bad request", async () => {
      const deep = `${'{"success":[{"request_txn":'.repeat(20_000)}{}${"}]}".repeat(20_000)}`;
      const { status, json } = await post("/v3/kv/txn", deep);
      assert.deepEqual([status, json.code], [400, 3]);
    });

    it("keeps 64-bit ids that come as numbers or as text, and attaches to the lease that was named", async () => {
      const [id, near] = ["7587870354237889035", "7587870354237889000"];
      assert.equal((await post("/v3/lease/grant", `{"TTL":60,"ID":${near}}`)).json.ID, near);
      assert.equal((await post("/v3/lease/grant", `{"TTL":60,"ID":${id}}`)).json.ID, id);
      assert.equal((await post("/v3/kv/put", `{"key":"bGVhc2Vk","lease":${id}}`)).status, 200);
      const keys = async (of: string) =>
        (await post("/v3/lease/timetolive", `{"ID":"${of}","keys":true}`)).json.keys;
      assert.deepEqual([await keys(id), await keys(near)], [[base64("leased")], undefined]);
      const renewed = (await post("/v3/lease/keepalive", `{"ID":${id}}`)).json.result as Record<
        string,
        unknown
      >;
      assert.deepEqual([renewed.ID, renewed.TTL], [id, "60"]);
      for (const lease of [id, near])
        assert.equal((await post("/v3/lease/revoke", `{"ID":${lease}}`)).status, 200);
    });

    it("raises and clears an alarm by its member's ID", async () => {
      const members = (await post("/v3/cluster/member/list", {})).json.members as { ID: string }[];
      const memberID = members[0]?.ID;
      const alarm = { memberID, alarm: "NOSPACE" };
      const change = async (action: string) =>
        (await post("/v3/maintenance/alarm", { action, ...alarm })).json.alarms;
      assert.deepEqual(await change("ACTIVATE"), [alarm]);
      assert.equal((await post("/v3/kv/put", { key: "YQ==" })).status, 429);
      assert.deepEqual(await change("DEACTIVATE"), [alarm]);
      assert.equal((await post("/v3/kv/put", { key: "YQ==" })).status, 200);
    });

    it("answers POST only, and in JSON what is not there", async () => {
      for (const method of ["GET", "PUT", "DELETE"]) {
        const answer = await fetch(`${store.endpoints[0]}/v3/kv/range`, { method });
        assert.equal(answer.status, 405);
        const body = await answer.text();
        if (name === "etcd") continue; // 3.4 answers in plain text
        assert.equal(answer.headers.get("allow"), "POST");
        const { code, message } = JSON.parse(body);
        assert.deepEqual([code, message], [12, "Method Not Allowed"]);
      }
      if (name === "etcd") return;
      const nowhere = await post("/v3/kv/nowhere", {});
      assert.deepEqual([nowhere.status, nowhere.json.code, nowhere.json.message], [404, 5, "Not Found"]);
    });

    it("lets pages of every origin ask, as etcd does unless told otherwise", async () => {
      const asked = await fetch(`${store.endpoints[0]}/v3/kv/range`, { method: "OPTIONS" });
      assert.deepEqual([asked.status, asked.headers.get("access-control-allow-origin")], [200, "*"]);
      const health = await fetch(`${store.endpoints[0]}/health`);
      assert.equal(health.headers.get("access-control-allow-headers"), "accept, content-type, authorization");
      await health.text();
    });

    it("streams a snapshot, a line a piece", async () => {
      const answer = await fetch(`${store.endpoints[0]}/v3/maintenance/snapshot`, { method: "POST" });
      assert.equal(answer.status, 200);
      const pieces = (await answer.text())
        .trim()
        .split("\n")
        .map((line) => (JSON.parse(line) as { result: { blob: string } }).result.blob);
      const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece, "base64")));
      const digest = createHash("sha256").update(bytes.subarray(0, -32)).digest();
      assert.deepEqual(bytes.subarray(-32), digest);
    });

    it("gives a watch back the ID that it asked for, and starts it at the last revision there could be", async () => {
      const [watch_id, start_revision] = ["9223372036854775807", "9223372036854775807"];
      const stop = new AbortController();
      const answer = await fetch(`${store.endpoints[0]}/v3/watch`, {
        method: "POST",
        body: JSON.stringify({ create_request: { key: base64("w"), watch_id, start_revision } }),
        signal: stop.signal,
      });
      const first = await answer.body?.getReader().read();
      const { result } = JSON.parse(Buffer.from(first?.value ?? []).toString()) as Record<
        string,
        Record<string, unknown>
      >;
      assert.deepEqual([result?.watch_id, result?.created, result?.canceled], [watch_id, true, undefined]);
      stop.abort();
    });

    it("hashes at the compacted revision itself, not before", async () => {
      if (name === "etcd") return; // 3.4 refuses it still
      for (const value of ["1", "2"]) await post("/v3/kv/put", { key: base64("h"), value: base64(value) });
      const { json } = await post("/v3/kv/range", { key: base64("h") });
      const revision = Number((json.header as { revision: string }).revision);
      assert.equal((await post("/v3/kv/compaction", { revision })).status, 200);
      const at = await post("/v3/maintenance/hashkv", { revision });
      assert.deepEqual(
        [at.status, at.json.compact_revision, at.json.hash_revision],
        [200, `${revision}`, `${revision}`],
      );
      const before = await post("/v3/maintenance/hashkv", { revision: revision - 1 });
      assert.equal(before.json.message, "etcdserver: mvcc: required revision has been compacted");
    });

    it("refuses an alarm's action and a sort order that nobody knows, each in its own words", async () => {
      const sorted = await post("/v3/kv/range", { key: base64("a"), sort_order: 9 });
      if (name === "pintle") assert.equal(sorted.json.message, "etcdserver: invalid sort option");
      if (name === "etcd") return; // an unknown action ends its process
      const alarm = await post("/v3/maintenance/alarm", { action: 9 });
      assert.deepEqual([alarm.status, alarm.json.message], [400, "etcdserver: unknown alarm action 9"]);
    });

    it("has no version to be downgraded to", async () => {
      if (name === "etcd") return; // 3.4 cannot be downgraded at all
      const ask = async (action: string, version: string) => {
        const { status, json } = await post("/v3/maintenance/downgrade", { action, version });
        return [status, json.code, json.message ?? json.version];
      };
      const invalid = [400, 3, "etcdserver: invalid downgrade target version"];
      assert.deepEqual(await ask("VALIDATE", "3.5.0"), invalid);
      assert.deepEqual(await ask("ENABLE", "3.5"), invalid);
      assert.deepEqual(await ask("VALIDATE", "x"), [
        400,
        3,
        "etcdserver: wrong downgrade target version format",
      ]);
      assert.deepEqual(await ask("CANCEL", ""), [200, undefined, "3.7"]);
    });

    it("answers hash and hashkv, each with its own", async () => {
      if (name === "etcd") return; // 3.4 has one path only
      const { json } = await post("/v3/maintenance/hashkv", {});
      assert.equal(typeof json.hash, "number");
      assert.equal(typeof (await post("/v3/maintenance/hash", {})).json.hash, "number");
      assert.match(String(json.hash_revision), /^\d+$/);
      const future = await post("/v3/maintenance/hashkv", '{"revision":9223372036854775807}');
      assert.deepEqual([future.status, future.json.code], [400, 11]);
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
