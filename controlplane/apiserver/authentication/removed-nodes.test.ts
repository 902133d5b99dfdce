import assert from "node:assert/strict";
import { removedNodes } from "../../../client/rules/joining-nodes.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { certificatesOnly } from "./config.ts";

describe("a removed node's certificate", () => {
  let server: TestApiserver;
  before(async () => {
    const authentication = { ...certificatesOnly, bootstrapTokens: true };
    server = await startTestApiserver({ config: { authentication } });
  });
  after(() => server.stop());

  it("lets nobody in until there is one that began after the removal", async () => {
    const node = await server.clientFor("system:node:n1", ["system:nodes"]);
    const other = await server.clientFor("system:node:n2", ["system:nodes"]);
    // A user who is only called so is no node.
    const named = await server.clientFor("system:node:n1", []);
    const codes = async () =>
      Promise.all(
        [node, other, named].map(
          async (client) => (await client.call("GET", "/apis/coordination.k8s.io/v1")).code,
        ),
      );
    const remove = async (data: Readonly<Record<string, string>>) => {
      const path = `/api/v1/namespaces/${removedNodes.namespace}/configmaps`;
      const { name } = removedNodes;
      await server.admin.call("DELETE", `${path}/${name}`);
      const made = await server.admin.call("POST", path, { body: { metadata: { name }, data } });
      assert.equal(made.code, 201);
    };
    assert.deepEqual(await codes(), [200, 200, 200]);
    await remove({ n1: new Date().toISOString() });
    assert.deepEqual(await codes(), [401, 200, 200]);
    // The certificate of this test began a day ago.
    await remove({ n1: new Date(Date.now() - 2 * 86_400_000).toISOString() });
    assert.deepEqual(await codes(), [200, 200, 200]);
    await remove({ n1: "nobody knows" });
    assert.deepEqual(await codes(), [401, 200, 200]);
    await remove({ n3: new Date().toISOString() });
    assert.deepEqual(await codes(), [200, 200, 200]);
    for (const client of [node, other, named]) client.close();
  });
});
