import { strict as assert } from "node:assert";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { parseFlags } from "../../base/os/flags.ts";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { testOs } from "../../controlplane/apiserver/testing.ts";
import { agentConfig, agentFlags } from "../flags.ts";
import { openNodeAccess } from "./access/node-access.ts";
import type { Reviews } from "./access/reviews.ts";
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
    const reviews: Reviews = {
      caller: async (token) => (token === "good" ? { name: "reader", groups: [] } : undefined),
      may: async ({ name }, verb, subresource) =>
        name === "reader" && verb === "get" && subresource === "pods",
    };
    const { kubelet } = agentConfig(parseFlags(agentFlags, ["--max-pods=77"]).flags);
    server = await startServer(config, {
      os,
      refusal: openNodeAccess(reviews, os),
      settings: kubelet,
      deps: () => deps,
    });
  });
  after(() => server.close());

  const apiserver = { commonName: "system:apiserver" };

  const ask = async (
    path: string,
    method: string,
    as?: { readonly commonName: string; readonly organizations?: readonly string[] },
    authorization?: string,
    upgrade?: string,
  ) => {
    const own = as === undefined ? undefined : await issueCertificate(authority, { ...as, usage: "client" });
    const identity = own && { cert: own.certificatePem, key: own.privateKeyPem };
    const headers = {
      ...(authorization !== undefined && { authorization }),
      ...(upgrade !== undefined && { connection: "upgrade", upgrade }),
    };
    return new Promise<readonly [number | undefined, string]>((resolve, reject) => {
      const { port } = server;
      const to = { host: "127.0.0.1", port, path, method, headers };
      const asked = request({ ...to, agent: false, ca: authority.certificatePem, ...identity }, (answer) =>
        text(answer).then((said) => resolve([answer.statusCode, said]), reject),
      );
      asked.on("error", reject).end();
    });
  };

  it("goes to API servers, and to others as far as API servers say, but for its health", async () => {
    assert.deepEqual(await ask("/healthz", "GET"), [200, "ok"]);
    assert.deepEqual(await ask("/pods", "GET"), [401, "Unauthorized\n"]);
    assert.deepEqual(await ask("/pods", "GET", { commonName: "somebody" }), [
      403,
      "Forbidden (user=somebody, verb=get, resource=nodes, subresource(s)=[pods proxy])\n",
    ]);
    assert.equal((await ask("/pods", "GET", { commonName: "reader" }))[0], 200);
    assert.equal((await ask("/configz", "GET", { commonName: "reader" }))[0], 403);
    assert.equal(
      (await ask("/pods", "GET", { commonName: "root", organizations: ["system:masters"] }))[0],
      200,
    );
    assert.equal((await ask("/pods", "GET", apiserver))[0], 200);
  });

  it("takes a token for whom it names", async () => {
    assert.equal((await ask("/pods", "GET", undefined, "Bearer good"))[0], 200);
    assert.deepEqual(await ask("/pods", "GET", undefined, "Bearer bad"), [401, "Unauthorized\n"]);
  });

  it("goes to none of those who may not by leaving HTTP", async () => {
    for (const [path, method, upgrade] of [
      ["/exec/default/web/c?command=true&output=1", "GET", "websocket"],
      ["/portForward/default/web", "POST", "SPDY/3.1"],
    ] as const)
      assert.match((await ask(path, method, { commonName: "reader" }, undefined, upgrade))[1], /^Forbidden/);
  });

  it("is told in its settings, in the kubelet's words", async () => {
    const [code, said] = await ask("/configz", "GET", apiserver);
    assert.equal(code, 200);
    const { kubeletconfig } = JSON.parse(said);
    const { kind, maxPods, clusterDomain, evictionHard } = kubeletconfig;
    assert.deepEqual([kind, maxPods, clusterDomain], ["KubeletConfiguration", 77, "cluster.local"]);
    assert.equal(evictionHard["memory.available"], "100Mi");
  });

  it("refuses checkpoints of containers by name", async () => {
    const wanted = [501, "checkpoints of containers are not supported by this node\n"];
    assert.deepEqual(await ask("/checkpoint/default/web/c", "POST", apiserver), wanted);
  });
});
