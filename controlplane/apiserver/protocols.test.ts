import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { type TestTransport, testTransport } from "./testing-exchange.ts";
import { configMap, configMaps } from "./testing-objects.ts";

/** What must not depend on the protocol that a request comes by. */
for (const protocol of ["HTTP/1.1", "HTTP/2"] as const)
  describe(`the API over ${protocol}`, () => {
    let server: TestApiserver;
    before(async () => {
      server = await startTestApiserver({ protocol });
    });
    after(() => server.stop());
    const longRunning = async () => {
      const { text } = await server.admin.call("GET", "/metrics");
      const lines = text.split("\n").filter((line) => /^apiserver_longrunning_requests\{.*WATCH/.test(line));
      return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    };

    it("creates, gets, lists, updates and deletes; a HEAD has the length and no body", async () => {
      const { admin } = server;
      const created = await admin.call("POST", configMaps, { body: configMap("one", { a: "ä" }) });
      assert.deepEqual([created.code, created.body.data], [201, { a: "ä" }]);
      const path = `${configMaps}/one`;
      const got = await admin.call("GET", path);
      assert.deepEqual(got.body, created.body);
      assert.equal(Number(got.headers["content-length"]), got.bytes.length);
      const head = await admin.call("HEAD", path);
      assert.deepEqual(
        [head.code, head.headers["content-length"], head.text],
        [200, got.headers["content-length"], ""],
      );
      assert.ok(head.headers.date !== undefined && head.headers["audit-id"] !== undefined);
      const put = await admin.call("PUT", path, { body: { ...got.body, data: { a: "b" } } });
      assert.deepEqual([put.code, put.body.data], [200, { a: "b" }]);
      const listed = await admin.call("GET", `${configMaps}?fieldSelector=metadata.name%3Done`);
      assert.equal(listed.body.items.length, 1);
      assert.equal((await admin.call("DELETE", path)).code, 200);
    });

    it("knows who asks by the connection's certificate, and by the request's headers", async () => {
      const review = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
      const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
      const as = async (headers: Record<string, string>) =>
        (await server.admin.call("POST", path, { body: review, headers })).body.status.userInfo;
      assert.equal((await as({})).username, "admin");
      const groups = { "Impersonate-User": "jane", "Impersonate-Group": "a" };
      assert.deepEqual(
        [(await as(groups)).username, (await as(groups)).groups],
        ["jane", ["a", "system:authenticated"]],
      );
      assert.equal((await as({})).username, "admin");
      assert.equal((await server.stranger.call("GET", configMaps)).code, 403);
    });

    it("refuses with a Status, by code, and says warnings one by one", async () => {
      const { admin } = server;
      const absent = await admin.call("GET", `${configMaps}/absent`);
      assert.deepEqual([absent.code, absent.body.reason], [404, "NotFound"]);
      assert.equal((await admin.call("GET", configMaps, { accept: "text/css" })).code, 406);
      const wrong = await admin.call("POST", configMaps, { body: "{", type: "application/json" });
      assert.deepEqual([wrong.code, wrong.body.reason], [400, "BadRequest"]);
      const odd = { ...configMap("odd"), first: 1, second: 2 };
      const warned = await admin.call("POST", `${configMaps}?fieldValidation=Warn&dryRun=All`, { body: odd });
      assert.deepEqual(
        [warned.headers.warning].flat().join(", "),
        '299 - "unknown field \\"first\\"", 299 - "unknown field \\"second\\""',
      );
    });

    it("refuses a body that is too large, and serves on", async () => {
      const large = configMap("large", { a: "x".repeat(3 * 1024 * 1024) });
      const { code, body } = await server.admin.call("POST", configMaps, { body: large });
      assert.deepEqual([code, body.reason], [413, "RequestEntityTooLarge"]);
      const fits = configMap("fits", { a: "x".repeat(900 * 1024) });
      assert.equal((await server.admin.call("POST", configMaps, { body: fits })).code, 201);
      const got = await server.admin.call("GET", `${configMaps}/fits`);
      assert.equal(got.body.data.a.length, 900 * 1024);
    });

    it("ends a body that does not come in the request's time with 504", async () => {
      const transport = testTransport(protocol, server.place);
      try {
        const { code } = await transport.ask({
          method: "POST",
          path: `${configMaps}?timeout=200ms`,
          headers: { "content-type": "application/json", "content-length": 1000 },
          body: "{",
          staysOpen: true,
        });
        assert.equal(code, 504);
      } finally {
        transport.close();
      }
    });

    it("tells watchers what happens, and forgets those that go", async () => {
      const watch = await server.admin.openWatch(`${configMaps}?watch=1&fieldSelector=metadata.name%3Dseen`);
      await server.admin.call("POST", configMaps, { body: configMap("seen") });
      const { value } = await watch.next();
      assert.deepEqual([value?.type, value?.object.metadata.name], ["ADDED", "seen"]);
      assert.equal(await longRunning(), 1);
      await watch.return();
      // Fails by mocha's time where the watch is never forgotten.
      while ((await longRunning()) > 0) await new Promise(setImmediate);
    });

    it("answers others while a watcher does not read", async () => {
      let transport: TestTransport | undefined = testTransport(protocol, server.place);
      try {
        const path = `${configMaps}?watch=1&resourceVersion=0`;
        const stalled = await transport.ask({ method: "GET", path, headers: {} });
        stalled.body.pause();
        const text = "x".repeat(200 * 1024);
        for (let n = 0; n < 8; n++)
          await server.admin.call("POST", configMaps, { body: configMap(`much-${n}`, { text }) });
        // On the same connection, where the protocol has room for it.
        const { code, body } = await transport.ask({ method: "GET", path: "/livez", headers: {} });
        body.resume();
        assert.equal(code, 200);
        let seen = "";
        for await (const piece of stalled.body) {
          seen += piece;
          if (seen.includes('"much-7"')) break;
        }
      } finally {
        transport.close();
        transport = undefined;
      }
    });
  });
