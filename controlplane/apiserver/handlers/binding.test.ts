import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { pod } from "../testing-objects.ts";

const pods = "/api/v1/namespaces/default/pods";

describe("what a pod's subresources are told", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
  });
  after(() => api.stop());

  const made = async (name: string, more: object = {}) => {
    const body = pod(name);
    const answer = await api.admin.call("POST", pods, {
      body: { ...body, metadata: { ...body.metadata, ...more } },
    });
    assert.equal(answer.code, 201);
    return answer.body;
  };
  const pathOf = (name: string) => `${pods}/${name}`;
  const read = async (name: string) => (await api.admin.call("GET", pathOf(name))).body;

  describe("a binding", () => {
    const bind = (name: string, metadata: object) =>
      api.admin.call("POST", `${pathOf(name)}/binding`, {
        body: {
          apiVersion: "v1",
          kind: "Binding",
          metadata: { name, ...metadata },
          target: { kind: "Node", name: "n1" },
        },
      });

    it("hands its labels and annotations to the pod, over those that it has, and ends its nomination", async () => {
      await made("a", { labels: { app: "a", zone: "old" } });
      await api.admin.call("PATCH", `${pathOf("a")}/status`, {
        body: { status: { nominatedNodeName: "n2" } },
        type: "application/merge-patch+json",
      });
      assert.equal((await read("a")).status.nominatedNodeName, "n2");
      const answer = await bind("a", { labels: { zone: "new" }, annotations: { why: "fits" } });
      assert.equal(answer.code, 201);
      const { metadata, spec, status } = await read("a");
      assert.deepEqual(
        [metadata.labels, metadata.annotations, spec.nodeName, status.nominatedNodeName],
        [{ app: "a", zone: "new" }, { why: "fits" }, "n1", undefined],
      );
    });

    it("is refused where it speaks of another state of the pod", async () => {
      const { metadata } = await made("b");
      const answer = await bind("b", { resourceVersion: "1" });
      assert.deepEqual(
        [answer.code, answer.body.message],
        [
          409,
          `Operation cannot be fulfilled on pods "b": StorageError: invalid object, Code: 4, Key: /registry/pods/default/b, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: ResourceVersion in precondition: 1, ResourceVersion in object meta: ${metadata.resourceVersion}`,
        ],
      );
      assert.equal((await bind("b", { resourceVersion: metadata.resourceVersion })).code, 201);
    });
  });

  describe("an eviction", () => {
    const evict = (name: string, deleteOptions: object) =>
      api.admin.call("POST", `${pathOf(name)}/eviction`, {
        body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name }, deleteOptions },
      });

    it("says in the pod's status that it is disrupted, and leaves dependents as it is told", async () => {
      await made("c", { finalizers: ["example.com/held"] });
      assert.equal((await evict("c", { propagationPolicy: "Foreground" })).code, 201);
      const { metadata, status } = await read("c");
      assert.deepEqual(metadata.finalizers, ["example.com/held", "foregroundDeletion"]);
      const condition = status.conditions.find(({ type }: { type: string }) => type === "DisruptionTarget");
      assert.deepEqual(
        [condition.status, condition.reason, condition.message],
        ["True", "EvictionByEvictionAPI", "Eviction API: evicting"],
      );
    });

    it("is refused with options that mean nothing", async () => {
      await made("d");
      const refusals: readonly (readonly [object, string])[] = [
        [
          { ignoreStoreReadErrorWithClusterBreakingPotential: true },
          'Eviction.policy "d" is invalid: deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential: Invalid value: true: can not be set for pod eviction, try after removing the option',
        ],
        [
          { propagationPolicy: "Sideways" },
          'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
        ],
      ];
      for (const [options, message] of refusals) {
        const answer = await evict("d", options);
        assert.deepEqual([answer.code, answer.body.message], [422, message]);
      }
      assert.equal((await read("d")).metadata.deletionTimestamp, undefined);
    });
  });
});
