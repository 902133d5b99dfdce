import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { systemClock } from "../../base/os/clock.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { systemRandom } from "../../base/os/random.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { RunningStore } from "../../store/compose.ts";
import { writeServerTls } from "../../store/testing/server-tls.ts";
import { startAlone } from "../../store/testing/start-alone.ts";
import { etcdMissing } from "./etcd-processes.ts";

const parts = { clock: systemClock, random: systemRandom };

describe("a member's HTTP endpoints", () => {
  let folder: string;
  let store: RunningStore;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-http-"));
    store = await startAlone(join(folder, "data"));
  });
  after(async () => {
    await store?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${store.clientPorts[0]}${path}`);
    return { status: answer.status, type: answer.headers.get("content-type"), body: await answer.text() };
  };
  const client = () => openStoreClient({ endpoints: [`http://127.0.0.1:${store.clientPorts[0]}`] }, parts);

  it("tell health, and each check when asked", async () => {
    const one = client();
    await one.put("a", "1"); // there is a leader
    one.close();
    assert.deepEqual(await get("/health"), {
      status: 200,
      type: "text/plain; charset=utf-8",
      body: '{"health":"true","reason":""}',
    });
    assert.equal((await get("/livez")).body, "ok\n");
    const { status, body } = await get("/readyz?verbose");
    assert.equal(status, 200);
    const checks = ["data_corruption", "serializable_read", "linearizable_read", "non_learner"];
    assert.equal(body, `${checks.map((name) => `[+]${name} ok\n`).join("")}ok\n`);
    assert.doesNotMatch((await get("/readyz?verbose&exclude=non_learner")).body, /non_learner/);
  });

  it("tell the version, and refuse what is not there", async () => {
    const { status, body } = await get("/version");
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(JSON.parse(body)), ["etcdserver", "etcdcluster", "storage"]);
    assert.equal((await get("/nowhere")).status, 404);
  });

  it("lead to the JSON API whoever leaves out its last slash, by the same method", async () => {
    const told = async (method: string) => {
      const url = `http://127.0.0.1:${store.clientPorts[0]}/v3?a=1&b=%22`;
      const answer = await fetch(url, { method, redirect: "manual" });
      const { headers } = answer;
      assert.equal(answer.status, 307);
      assert.equal(headers.get("location"), "/v3/?a=1&b=%22");
      return { type: headers.get("content-type"), body: await answer.text() };
    };
    assert.deepEqual(await told("POST"), { type: null, body: "" });
    assert.deepEqual(await told("GET"), {
      type: "text/html; charset=utf-8",
      body: '<a href="/v3/?a=1&amp;b=%22">Temporary Redirect</a>.\n\n',
    });
  });

  it("tell the metrics that dashboards for etcd read", async () => {
    const one = client();
    await one.put("m", "1");
    await one.get("m");
    await one.delete("m");
    await one.get("m", { revision: 99_999 }).catch(() => undefined);
    one.close();
    const { status, type, body } = await get("/metrics");
    assert.equal(status, 200);
    assert.match(String(type), /^text\/plain/);
    const value = (row: string) =>
      Number(
        body
          .split("\n")
          .find((line) => line.startsWith(`${row} `))
          ?.split(" ")[1],
      );
    const method = (name: string) => `grpc_method="${name}",grpc_service="etcdserverpb.KV",grpc_type="unary"`;
    assert.equal(value("etcd_server_has_leader"), 1);
    assert.equal(value("etcd_server_is_leader"), 1);
    assert.ok(value("etcd_mvcc_put_total") >= 1);
    assert.ok(value("etcd_mvcc_delete_total") >= 1);
    assert.ok(value("etcd_mvcc_range_total") >= 2);
    assert.ok(value(`grpc_server_started_total{${method("Put")}}`) >= 1);
    assert.ok(value(`grpc_server_handled_total{grpc_code="OK",${method("Put")}}`) >= 1);
    assert.equal(value(`grpc_server_handled_total{grpc_code="OutOfRange",${method("Range")}}`), 1);
    assert.doesNotMatch(body, /^grpc_server_handling_seconds/m); // with --metrics=extensive only
    const received = value(`grpc_server_msg_received_total{${method("Put")}}`);
    assert.equal(received, value(`grpc_server_started_total{${method("Put")}}`));
    for (const [row, least] of [
      ['etcd_server_request_duration_seconds_count{success="true",type="Put"}', 1],
      ['etcd_server_request_duration_seconds_count{success="true",type="Range"}', 1],
      ['etcd_server_request_duration_seconds_count{success="false",type="Range"}', 1],
      ['etcd_server_apply_duration_seconds_count{op="DeleteRange",success="true",version="v3"}', 1],
      ['etcd_server_range_duration_seconds_count{success="true"}', 1],
      ['etcd_server_range_duration_seconds_count{success="false"}', 1],
      ['etcd_server_client_requests_total{client_api_version="unknown",type="unary"}', 4],
      ["etcd_debugging_mvcc_total_put_size_in_bytes", 2],
      ["etcd_disk_wal_write_duration_seconds_count", 1],
      ["os_fd_used", 1],
      ["os_fd_limit", 1],
    ] as const)
      assert.ok(value(row) >= least, `${row} ${value(row)}`);
    assert.ok(value("etcd_disk_wal_fsync_duration_seconds_count") >= 1);
    assert.ok(value("etcd_mvcc_db_total_size_in_bytes") > 0);
    for (const name of [
      "etcd_disk_backend_commit_duration_seconds",
      "etcd_network_peer_sent_bytes_total",
      "etcd_server_quota_backend_bytes",
      "etcd_server_proposals_failed_total",
      "etcd_debugging_mvcc_keys_total",
    ])
      assert.match(body, new RegExp(`^# TYPE ${name} `, "m"));
  });
});

describe("a member with --listen-client-http-urls", () => {
  it("serves HTTP there and gRPC on the others, each to nobody else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pintle-http-apart-"));
    const [port = 0] = await freePorts(1);
    const store = await startAlone(
      join(folder, "data"),
      `--listen-client-http-urls=http://127.0.0.1:${port}`,
    );
    try {
      await store.ready;
      assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
      assert.equal((await fetch(`http://127.0.0.1:${store.clientPorts[0]}/health`)).status, 404);
      const put = (to: number) => {
        const client = openStoreClient({ endpoints: [`http://127.0.0.1:${to}`], timeoutMs: 2_000 }, parts);
        return client.put("a", "1").finally(() => client.close());
      };
      assert.equal((await put(store.clientPorts[0] ?? 0)).revision, 2);
      await assert.rejects(put(port));
    } finally {
      await store.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("a member with --client-cert-auth", () => {
  let folder: string;
  let store: RunningStore;
  let authority: Certificate;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pintle-tls-"));
    const tls = await writeServerTls(folder);
    authority = tls.authority;
    store = await startAlone(
      join(folder, "data"),
      ...tls.flags,
      `--trusted-ca-file=${tls.authorityFile}`,
      "--client-cert-auth=true",
    );
  });
  after(async () => {
    await store?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const issue = (by: Certificate) => issueCertificate(by, { commonName: "someone", usage: "client" });
  const attempt = async (who: Certificate | undefined) => {
    const tls = {
      ca: authority.certificatePem,
      ...(who && { certificate: who.certificatePem, key: who.privateKeyPem }),
    };
    const endpoints = [`https://127.0.0.1:${store.clientPorts[0]}`];
    const client = openStoreClient({ endpoints, tls, timeoutMs: 2_000 }, parts);
    try {
      return (await client.put("a", "1")).revision;
    } finally {
      client.close();
    }
  };

  it("serves clients whose certificate its authority signed, gRPC and HTTP", async () => {
    const who = await issue(authority);
    assert.ok((await attempt(who)) > 1);
    const status = await new Promise((resolve, reject) => {
      const port = store.clientPorts[0];
      const { certificatePem: cert, privateKeyPem: key } = who;
      request(
        { host: "127.0.0.1", port, path: "/health", ca: authority.certificatePem, cert, key },
        (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        },
      )
        .on("error", reject)
        .end();
    });
    assert.equal(status, 200);
  });

  it("refuses clients without a certificate, and with another authority's", async () => {
    const stranger = await issue(await createAuthority({ name: "other" }));
    await assert.rejects(attempt(undefined));
    await assert.rejects(attempt(stranger));
  });

  it("refuses a connection that is not TLS, and one that is but has no certificate, before any request", async () => {
    const port = store.clientPorts[0] ?? 0;
    const failed = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: "127.0.0.1", port, ca: authority.certificatePem }, () => {
        socket.write("GET /health HTTP/1.1\r\nhost: a\r\n\r\n");
      });
      socket.on("data", () => resolve(false));
      socket.on("error", () => resolve(true));
      socket.on("close", () => resolve(true));
    });
    assert.ok(failed);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/health`));
  });
});

describe("a member whose quota is used up", function () {
  this.timeout(300_000);
  let folder: string;
  let store: RunningStore;
  before(async function () {
    if (etcdMissing) return this.skip();
    folder = mkdtempSync(join(tmpdir(), "pintle-quota-"));
    store = await startAlone(join(folder, "data"), "--quota-backend-bytes=2000000");
  });
  after(async () => {
    await store?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const run = promisify(execFile);
  const etcdctl = async (...args: readonly string[]) => {
    const endpoint = `--endpoints=127.0.0.1:${store.clientPorts[0]}`;
    const { stdout } = await run("etcdctl", [endpoint, ...args], {
      env: { ...process.env, ETCDCTL_API: "3" },
    });
    return stdout.trim();
  };

  it("raises an alarm that stops writes, until space is made and the alarm disarmed", async () => {
    const value = "x".repeat(50_000);
    let refused = "";
    for (let n = 0; n < 100 && refused === ""; n++)
      await etcdctl("put", "big", value).catch((error: { stderr: string }) => {
        refused = error.stderr;
      });
    assert.match(refused, /etcdserver: mvcc: database space exceeded|mvcc: database space exceeded/);
    assert.match(await etcdctl("alarm", "list"), /^memberID:\d+ alarm:NOSPACE$/);
    await assert.rejects(etcdctl("put", "small", "1"), /database space exceeded/);
    assert.match(await etcdctl("get", "big", "--keys-only"), /big/, "reads go on");
    await etcdctl("del", "big"); // so do deletions
    const answer = await fetch(`http://127.0.0.1:${store.clientPorts[0]}/health`);
    assert.deepEqual(
      [answer.status, await answer.json()],
      [503, { health: "false", reason: "ALARM NOSPACE" }],
    );
    const status = JSON.parse(await etcdctl("endpoint", "status", "-w", "json"));
    await etcdctl("compact", "--physical", String(status[0].Status.header.revision));
    await etcdctl("defrag");
    assert.match(await etcdctl("alarm", "disarm"), /alarm:NOSPACE/);
    assert.equal(await etcdctl("alarm", "list"), "");
    assert.equal(await etcdctl("put", "small", "1"), "OK");
  });
});
