import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { must } from "../../base/assert.ts";
import { systemClock } from "../../base/os/clock.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import type { Certificate } from "../../base/os/pki.ts";
import { systemRandom } from "../../base/os/random.ts";
import { utf8 } from "../../base/wire.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { RunningStore } from "../../store/compose.ts";
import { writeServerTls } from "../../store/testing/server-tls.ts";
import { startAlone } from "../../store/testing/start-alone.ts";

const curlMissing = spawnSync("curl", ["--version"]).status !== 0;

/** Plain HTTP over HTTP/2, which clients over TLS agree on by themselves. */
for (const secure of [true, false])
  describe(`HTTP/2 of a member, ${secure ? "over TLS" : "without TLS"}`, () => {
    let folder: string;
    let store: RunningStore;
    let authority: Certificate;
    let authorityFile: string;
    let clientUrl: string;
    let metricsUrl: string;
    const sessions: ClientHttp2Session[] = [];
    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "pintle-http2-"));
      const tls = await writeServerTls(folder);
      authority = tls.authority;
      authorityFile = tls.authorityFile;
      const scheme = secure ? "https" : "http";
      const [metricsPort] = await freePorts(1);
      metricsUrl = `${scheme}://127.0.0.1:${must(metricsPort, "a port")}`;
      store = await startAlone(
        join(folder, "data"),
        ...(secure ? tls.flags : []),
        `--listen-metrics-urls=${metricsUrl}`,
      );
      clientUrl = `${scheme}://127.0.0.1:${store.clientPorts[0]}`;
      const client = openStoreClient(
        { endpoints: [clientUrl], ...(secure && { tls: { ca: authority.certificatePem } }) },
        { clock: systemClock, random: systemRandom },
      );
      await client.put("a", "1"); // there is a leader
      client.close();
    });
    afterEach(() => {
      for (const session of sessions.splice(0)) session.destroy();
    });
    after(async () => {
      await store?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const open = (url: string) => {
      const session = connect(url, secure ? { ca: authority.certificatePem } : {});
      session.on("error", () => undefined);
      sessions.push(session);
      return session;
    };
    const ask = (session: ClientHttp2Session, method: string, path: string, body = "") =>
      new Promise<{ readonly status: number; readonly type: string; readonly body: string }>(
        (resolve, reject) => {
          const stream = session.request({ ":method": method, ":path": path }, { endStream: body === "" });
          let text = "";
          let headers: { readonly status: number; readonly type: string } | undefined;
          stream.on("response", (answer) => {
            headers = { status: Number(answer[":status"]), type: String(answer["content-type"]) };
          });
          stream.setEncoding("utf8");
          stream.on("data", (chunk: string) => {
            text += chunk;
          });
          stream.on("end", () => resolve({ ...must(headers, "an answer begins with headers"), body: text }));
          stream.on("error", reject);
          if (body !== "") stream.end(body);
        },
      );

    it("answers what is not gRPC as HTTP/1.1 does, on the clients' port and on the one for metrics", async () => {
      for (const url of [clientUrl, metricsUrl]) {
        const session = open(url);
        assert.deepEqual(await ask(session, "GET", "/health"), {
          status: 200,
          type: "text/plain; charset=utf-8",
          body: '{"health":"true","reason":""}',
        });
        assert.match((await ask(session, "GET", "/metrics")).body, /^etcd_server_has_leader 1$/m);
        assert.equal((await ask(session, "GET", "/readyz")).body, "ok\n");
        assert.equal((await ask(session, "GET", "/nowhere")).status, 404);
        assert.equal((await ask(session, "GET", "/version")).status, url === clientUrl ? 200 : 404);
        assert.equal((await ask(session, "HEAD", "/health")).status, 405);
        assert.equal((await ask(session, "DELETE", "/health")).status, 405);
      }
    });

    it("answers the JSON gateway, small and large", async () => {
      const session = open(clientUrl);
      const value = Buffer.alloc(900_000, "v").toString("base64");
      const key = Buffer.from("large").toString("base64");
      assert.equal((await ask(session, "POST", "/v3/kv/put", JSON.stringify({ key, value }))).status, 200);
      const { body } = await ask(session, "POST", "/v3/kv/range", JSON.stringify({ key }));
      assert.equal(JSON.parse(body).kvs[0].value, value);
    });

    it("answers gRPC on the same connection, and never on the port for metrics", async () => {
      const call = (session: ClientHttp2Session) =>
        new Promise<unknown>((resolve, reject) => {
          const headers = { "content-type": "application/grpc", te: "trailers" };
          const path = methods.range.path;
          const stream = session.request({ ":method": "POST", ":path": path, ...headers });
          let status: unknown;
          stream.on("response", (answer) => {
            status = answer["grpc-status"] ?? answer[":status"];
          });
          stream.on("trailers", (trailers) => {
            status = trailers["grpc-status"];
          });
          stream.on("error", reject);
          stream.on("close", () => resolve(status));
          stream.resume();
          stream.end(Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x61]));
        });
      const session = open(clientUrl);
      assert.equal((await ask(session, "GET", "/health")).status, 200);
      assert.equal(await call(session), "0");
      assert.equal(await call(open(metricsUrl)), 404);
    });

    it("answers curl, which asks for HTTP/2 by itself where there is TLS", async function () {
      if (curlMissing) return this.skip();
      const how = secure ? ["--http2", "--cacert", authorityFile] : ["--http2-prior-knowledge"];
      const args = ["-sS", "-w", " %{http_version} %{http_code}", ...how, `${clientUrl}/health`];
      const { stdout } = await promisify(execFile)("curl", args);
      assert.equal(stdout, '{"health":"true","reason":""} 2 200');
    });

    it("goes on with a watch whose client half-closed it", async () => {
      const credentials = secure
        ? grpc.credentials.createSsl(Buffer.from(authority.certificatePem))
        : grpc.credentials.createInsecure();
      const client = new grpc.Client(clientUrl.replace(/^https?:\/\//, ""), credentials);
      const same = (bytes: Uint8Array) => Buffer.from(bytes);
      const watch = client.makeBidiStreamRequest(methods.watch.path, same, same);
      const messages: ReturnType<typeof methods.watch.response.decode>[] = [];
      let wake: () => void = () => undefined;
      watch.on("data", (bytes: Uint8Array) => {
        messages.push(methods.watch.response.decode(bytes));
        wake();
      });
      watch.on("error", () => undefined);
      let isEnded = false;
      watch.on("end", () => {
        isEnded = true;
        wake();
      });
      const next = async () => {
        while (messages.length === 0 && !isEnded)
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        return must(messages.shift(), "the watch goes on");
      };
      watch.write(methods.watch.request.encode({ createRequest: { key: utf8("half-closed") } }));
      watch.end();
      assert.equal((await next()).created, true);
      const put = methods.put.request.encode({ key: utf8("half-closed"), value: utf8("1") });
      await new Promise<void>((resolve, reject) => {
        client.makeUnaryRequest(methods.put.path, same, same, put, (error) =>
          error ? reject(error) : resolve(),
        );
      });
      assert.equal((await next()).events.length, 1);
      watch.cancel();
      client.close();
    });
  });
