import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { createLog } from "../../base/os/log.ts";
import { createSelfSigned } from "../../base/os/pki.ts";
import { plainSettings } from "./plain-settings.ts";
import type { Route } from "./route.ts";
import { ThreadServing } from "./thread-serving.ts";

describe("the thread that answers for Ingresses", () => {
  const ports = { address: "127.0.0.1", http: 0, https: 0 };
  const route: Route = {
    id: "r",
    rank: "",
    path: { kind: "prefix", path: "/" },
    conditions: [],
    isFallback: false,
    gate: { allow: [], deny: [], toTls: "never", cors: undefined, limits: undefined },
    action: {
      kind: "forward",
      backends: [{ backend: "b", weight: 1 }],
      settings: {
        ...plainSettings,
        responseHeaders: { set: {}, add: { "x-added": "1" }, remove: ["x-left"] },
      },
    },
  };
  const ask = (port: number | string | undefined) =>
    new Promise<string>((resolve) => {
      const asked = request({ host: "127.0.0.1", port, agent: false, headers: { host: "a.test" } });
      asked.on("response", (response) => {
        response.resume();
        resolve(
          `${response.statusCode} ${response.headers["x-added"] ?? ""}${response.headers["x-left"] ?? ""}`,
        );
      });
      asked.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
      asked.end();
    });

  it("is told all again when it begins anew, broken or not", async () => {
    const backend = createServer((_, response) => response.setHeader("x-left", "2").end());
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    const own = await createSelfSigned({
      organization: "t",
      hosts: ["a.test"],
      usage: "server",
      validDays: 1,
    });
    const fallback = { certificatePem: own.certificatePem, keyPem: own.privateKeyPem };
    const broken = deferred<void>();
    const said: string[] = [];
    const log = createLog({ format: "text", write: (line) => said.push(line) });
    const serving = new ThreadServing(fallback, {
      log,
      clock: systemClock,
      onBroken: () => broken.resolve(),
    });
    const endpoints = [{ address: "127.0.0.1", port: (backend.address() as AddressInfo).port }];
    serving.apply({ kind: "routes", owner: "o", hosts: [{ host: "a.test", routes: [route] }] });
    serving.apply({ kind: "endpoints", backend: "b", endpoints });
    const first = await serving.open(ports);
    assert.equal(await ask(first.http), "200 1");
    await serving.shut();
    assert.equal(await ask(first.http), "ECONNREFUSED");
    const second = await serving.open(ports);
    assert.equal(await ask(second.http), "200 1");
    serving.apply({ kind: "certificate", host: "", pem: { certificatePem: "none", keyPem: "none" } });
    await broken.promise;
    assert.match(said.join(""), /thread that answers requests broke/);
    assert.equal(await ask(second.http), "ECONNREFUSED");
    serving.apply({ kind: "certificate", host: "", pem: undefined });
    const third = await serving.open(ports);
    assert.equal(await ask(third.http), "200 1");
    serving.apply({ kind: "endpoints", backend: "b", endpoints: [] });
    await serving.open(ports); // told after it
    assert.equal(await ask(third.http), "503 ");
    await serving.stop();
    backend.close();
    backend.closeAllConnections();
  });

  it("says why it cannot listen", async () => {
    const own = await createSelfSigned({
      organization: "t",
      hosts: ["a.test"],
      usage: "server",
      validDays: 1,
    });
    const fallback = { certificatePem: own.certificatePem, keyPem: own.privateKeyPem };
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    const serving = new ThreadServing(fallback, {
      log: createLog({ level: "error" }),
      clock: systemClock,
      onBroken: () => undefined,
    });
    const { http, https } = await serving.open({ ...ports, http: port });
    assert.deepEqual([http, typeof https], ["EADDRINUSE", "number"]);
    await new Promise((resolve) => taken.close(resolve));
    const again = await serving.open({ ...ports, http: port });
    assert.deepEqual([again.http, again.https], [port, https], "what is open stays open");
    await serving.stop();
  });
});
