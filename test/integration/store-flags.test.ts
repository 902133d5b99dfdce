import assert from "node:assert/strict";
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { must } from "../../base/assert.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

describe("a store with flags of etcd's that it honours, and some that mean nothing to it", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  let metricsUrl: string;
  before(async () => {
    const [port] = await freePorts(1);
    metricsUrl = `http://127.0.0.1:${must(port, "a port")}`;
    store = await startStoreProcesses(1, pintle, [
      "--auto-compaction-mode=periodic",
      "--auto-compaction-retention=200ms",
      "--cors=http://a.example,http://b.example",
      "--host-whitelist=127.0.0.1,store.example",
      `--listen-metrics-urls=${metricsUrl}`,
      "--log-outputs=stdout",
      "--max-wals=5",
      "--feature-gates=TxnModeWriteWithSharedBuffer=false",
    ]);
  });
  after(() => store?.stop());

  interface Asked {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly base?: string;
    readonly body?: string;
  }
  const ask = (path: string, { method = "GET", headers = {}, base = store.endpoints[0], body }: Asked) =>
    new Promise<{ status: number | undefined; origin: string | undefined; body: string }>(
      (resolve, reject) => {
        const asked = request(`${base}${path}`, { method, headers }, (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          answer.on("end", () =>
            resolve({
              status: answer.statusCode,
              origin: answer.headers["access-control-allow-origin"],
              body: text,
            }),
          );
        });
        asked.on("error", reject).end(body);
      },
    );

  it("compacts by itself", async () => {
    const put = () => ask("/v3/kv/put", { method: "POST", body: '{"key":"YQ=="}' });
    await put();
    for (let status: number | undefined = 200; status === 200; ) {
      await put();
      const old = await ask("/v3/kv/range", { method: "POST", body: '{"key":"YQ==","revision":2}' });
      ({ status } = old);
      if (status !== 200) assert.match(old.body, /required revision has been compacted/);
    }
  });

  it("tells pages of the named origins only that they may ask", async () => {
    for (const origin of ["http://a.example", "http://b.example"])
      assert.equal((await ask("/health", { headers: { origin } })).origin, origin);
    for (const headers of [{ origin: "http://c.example" }, {}])
      assert.equal((await ask("/health", { headers })).origin, undefined);
    const asked = await ask("/v3/kv/range", { method: "OPTIONS", headers: { origin: "http://a.example" } });
    assert.deepEqual([asked.status, asked.origin], [200, "http://a.example"]);
  });

  it("refuses requests that name a host which is not in the list", async () => {
    for (const host of ["store.example", "store.example:2379", "127.0.0.1:1"])
      assert.equal((await ask("/health", { headers: { host } })).status, 200, host);
    for (const host of ["evil.example", "evil.example:2379"]) {
      const { status, body } = await ask("/v3/kv/put", {
        method: "POST",
        headers: { host },
        body: '{"key":"YQ=="}',
      });
      assert.equal(status, 421, host);
      assert.match(body, /evil\.example.*--host-whitelist/);
    }
  });

  it("serves metrics and health on the metrics address, not the API", async () => {
    const headers = { host: "127.0.0.1" };
    assert.equal((await ask("/metrics", { base: metricsUrl, headers })).status, 200);
    assert.equal((await ask("/health", { base: metricsUrl, headers })).status, 200);
    const put = { base: metricsUrl, headers, method: "POST", body: '{"key":"YQ=="}' };
    assert.equal((await ask("/v3/kv/put", put)).status, 404);
  });

  it("says which flags have no effect, and why", () => {
    const warned = store
      .output(0)
      .split("\n")
      .filter((line) => line.includes("flag has no effect"))
      .map((line) => JSON.parse(line) as { flag: string; why: string });
    assert.deepEqual(
      warned.map(({ flag }) => flag),
      ["max-wals"],
    );
    assert.match(warned[0]?.why ?? "", /log segments go/);
  });

  it("survives targets that are no path", async () => {
    for (const path of ["//", "/%", "/v3//kv", "/?x=//"])
      assert.ok([200, 404].includes((await ask(path, { headers: { host: "127.0.0.1" } })).status ?? 0), path);
  });
});

describe("a store without the JSON gateway", function () {
  this.timeout(300_000);
  let store: StoreProcesses;
  before(async () => {
    store = await startStoreProcesses(1, pintle, ["--enable-grpc-gateway=false"]);
  });
  after(() => store?.stop());

  it("answers health, but nothing under /v3/", async () => {
    assert.equal((await fetch(`${store.endpoints[0]}/health`)).status, 200);
    const answer = await fetch(`${store.endpoints[0]}/v3/kv/range`, {
      method: "POST",
      body: '{"key":"YQ=="}',
    });
    assert.equal(answer.status, 404);
    await answer.text();
  });
});
