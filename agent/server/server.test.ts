import { strict as assert } from "node:assert";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { testOs } from "../../controlplane/apiserver/testing.ts";
import type { ServerDeps } from "./callers.ts";
import { type AgentServer, startServer } from "./server.ts";

describe("what a node answers", () => {
  const os = testOs();
  let server: AgentServer;
  let authority: Awaited<ReturnType<typeof createAuthority>>;
  before(async () => {
    authority = await createAuthority({ name: "test" });
    const own = await issueCertificate(authority, {
      commonName: "n1",
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    const config = { address: "127.0.0.1", port: 0, ...own, clientCaPem: authority.certificatePem };
    const deps = { os, pods: () => [] } as Partial<ServerDeps> as ServerDeps;
    server = await startServer(config, { os, deps: () => deps });
  });
  after(() => server.close());

  const ask = async (path: string, method: string, as?: string) => {
    const own =
      as === undefined ? undefined : await issueCertificate(authority, { commonName: as, usage: "client" });
    const identity = own && { cert: own.certificatePem, key: own.privateKeyPem };
    return new Promise<readonly [number | undefined, string]>((resolve, reject) => {
      const { port } = server;
      const asked = request(
        { host: "127.0.0.1", port, path, method, agent: false, ca: authority.certificatePem, ...identity },
        (answer) => text(answer).then((said) => resolve([answer.statusCode, said]), reject),
      );
      asked.on("error", reject).end();
    });
  };

  it("goes to API servers alone, but for its health", async () => {
    assert.deepEqual(await ask("/healthz", "GET"), [200, "ok"]);
    assert.deepEqual(await ask("/pods", "GET"), [401, "Unauthorized\n"]);
    assert.deepEqual(await ask("/pods", "GET", "somebody"), [403, "Forbidden\n"]);
    assert.equal((await ask("/pods", "GET", "system:apiserver"))[0], 200);
  });

  it("refuses checkpoints of containers by name", async () => {
    const wanted = [501, "checkpoints of containers are not supported by this node\n"];
    assert.deepEqual(await ask("/checkpoint/default/web/c", "POST", "system:apiserver"), wanted);
  });
});
