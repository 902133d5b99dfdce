import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../base/os/clock.ts";
import { createLog } from "../base/os/log.ts";
import { systemRandom } from "../base/os/random.ts";
import { openStoreClient } from "./client/open-client.ts";
import { compareMod, opGet, opPut } from "./client/txn.ts";
import { startAlone } from "./testing/start-alone.ts";

type Line = Readonly<Record<string, unknown>>;

describe("slow requests", () => {
  it("are told in the log, as etcd tells them, without what they wrote", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "pintle-slow-"));
    const lines: Line[] = [];
    const log = createLog({ write: (line) => lines.push(JSON.parse(line) as Line) });
    const flags = ["--warning-apply-duration=1ns", "--warning-unary-request-duration=1ns"];
    const store = await startAlone({ dataDir, log }, ...flags);
    const endpoints = [`http://127.0.0.1:${store.clientPorts[0]}`];
    const client = openStoreClient({ endpoints }, { clock: systemClock, random: systemRandom });
    try {
      await client.put("a key", "a secret value");
      await client.get("a key");
      await client.txn({
        compare: [compareMod("a key", "GREATER", 0)],
        success: [opPut("b", "another secret")],
        failure: [opGet("a key")],
      });
    } finally {
      client.close();
      await store.stop();
      await rm(dataDir, { recursive: true });
    }
    const told = (msg: string) => lines.filter((line) => line.msg === msg);
    const applied = told("apply request took too long");
    for (const line of applied) assert.equal(line["expected-duration"], "0s");
    const requests = applied.map(({ prefix, request }) => `${prefix}${request}`);
    assert.ok(requests.some((text) => /^header:<ID:\d+> put:<key:"a key" value_size:14>$/.test(text)));
    assert.ok(requests.some((text) => text.startsWith('read-only range key:"a key"')));
    const calls = told("request stats");
    const put = calls.find((line) => line["response type"] === "/etcdserverpb.KV/Put");
    assert.equal(put?.["request content"], 'key:"a key" value_size:14');
    assert.equal(put?.["request count"], 1);
    assert.match(String(put?.remote), /^127\.0\.0\.1:\d+$/);
    const txn = calls.find((line) => line["response type"] === "/etcdserverpb.KV/Txn");
    assert.match(String(txn?.["request content"]), /request_put:<key:"b" value_size:14>/);
    assert.doesNotMatch(JSON.stringify(lines), /secret/);
  });
});
