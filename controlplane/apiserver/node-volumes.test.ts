import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver, type TestClient } from "./testing.ts";

/** Persistent volumes as a node's certificate sees them: `n1` is ours. */
describe("what a node may do with persistent volumes", () => {
  let api: TestApiserver;
  let node: TestClient;
  const volumes = "/api/v1/persistentvolumes";

  const make = async (path: string, body: object) => {
    const answer = await api.admin.call("POST", path, { body });
    assert.equal(answer.code, 201, answer.text);
  };
  const volume = (name: string, on: string, more: object = {}) =>
    make(volumes, {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" } },
      spec: {
        capacity: { storage: "1Mi" },
        accessModes: ["ReadWriteOnce"],
        persistentVolumeReclaimPolicy: "Delete",
        local: { path: `/x/${name}` },
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [on] }] }],
          },
        },
        ...more,
      },
    });
  const released = (name: string) =>
    api.admin.call("PATCH", `${volumes}/${name}/status`, {
      body: { status: { phase: "Released" } },
      type: "application/merge-patch+json",
    });
  const codes = async (method: string, ...names: string[]) =>
    Promise.all(names.map(async (name) => (await node.call(method, `${volumes}/${name}`)).code));

  before(async () => {
    api = await startTestApiserver();
    node = await api.clientFor("system:node:n1", ["system:nodes"]);
    for (const [claim, on] of [
      ["mine", "n1"],
      ["theirs", "n2"],
    ]) {
      const volumes = [{ name: "v", persistentVolumeClaim: { claimName: claim } }];
      await make("/api/v1/namespaces/default/pods", {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: claim },
        spec: { nodeName: on, containers: [{ name: "c", image: "i" }], volumes },
      });
    }
    const claimRef = (name: string) => ({ claimRef: { namespace: "default", name } });
    await volume("own", "n1");
    await volume("other", "n2");
    await volume("of-my-pod", "n2", claimRef("mine"));
    await volume("of-their-pod", "n2", claimRef("theirs"));
    await volume("kept", "n1", { persistentVolumeReclaimPolicy: "Retain" });
  });
  after(() => api.stop());

  it("reads its own and those of its pods' claims, one by one", async () => {
    assert.deepEqual(
      await codes("GET", "own", "of-my-pod", "other", "of-their-pod", "missing"),
      [200, 200, 403, 403, 403],
    );
    assert.equal((await node.call("GET", volumes)).code, 403);
    assert.equal(
      (await node.call("PATCH", `${volumes}/own`, { body: {}, type: "application/merge-patch+json" })).code,
      403,
    );
  });

  it("lists and watches its own, by their node, and no others", async () => {
    const own = "pintle.dev/local-path-node";
    const ask = (selector: string) => node.call("GET", `${volumes}?fieldSelector=${selector}`);
    const answer = await ask(`${own}%3Dn1`);
    assert.equal(answer.code, 200, answer.text);
    const { items } = JSON.parse(answer.text) as { items: { metadata: { name: string } }[] };
    assert.deepEqual(items.map(({ metadata }) => metadata.name).sort(), ["kept", "own"]);
    assert.equal((await ask(`${own}%3Dn1&watch=true&timeoutSeconds=1`)).code, 200);
    for (const selector of [`${own}%3Dn2`, `${own}%21%3Dn2`, `${own}%3D`, "metadata.name%3Down", ""])
      assert.equal((await ask(selector)).code, 403, selector);
    const deletion = await node.call("DELETE", `${volumes}?fieldSelector=${own}%3Dn1`);
    assert.equal(deletion.code, 403, deletion.text);
  });

  it("deletes its own once they are released and not to be kept, and no others", async () => {
    assert.deepEqual(await codes("DELETE", "own", "kept", "of-my-pod"), [403, 403, 403]);
    for (const name of ["own", "other", "of-my-pod", "kept"]) await released(name);
    assert.deepEqual(await codes("DELETE", "other", "of-my-pod", "kept"), [403, 403, 403]);
    assert.equal((await node.call("DELETE", volumes)).code, 403);
    assert.deepEqual(await codes("DELETE", "own"), [200]);
  });
});
