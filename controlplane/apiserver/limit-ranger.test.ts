import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

interface Recorded {
  readonly limits: readonly object[];
  readonly object: { readonly spec: { readonly containers?: readonly object[] } };
  /** What kube-apiserver 1.36.3 says, or what it makes of the containers. */
  readonly refused?: string;
  readonly resources?: readonly object[];
  readonly note?: string | null;
}
const file = new URL("admission/testdata/limit-ranges.json", import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(file, "utf8"));

describe("limit ranges hold pods and claims as kube-apiserver 1.36.3 does", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver({ config: { disabledAdmission: ["ServiceAccount"] } });
  });
  after(() => api.stop());

  for (const [index, { limits, object, refused, resources, note }] of recorded.entries())
    it(`${JSON.stringify(limits)}: ${refused ?? note ?? "fine"}`, async () => {
      const namespace = `limited-${index}`;
      const body = (kind: string, name: string, more: object) => ({
        body: { apiVersion: "v1", kind, metadata: { name }, ...more },
      });
      await api.admin.call("POST", "/api/v1/namespaces", body("Namespace", namespace, {}));
      const base = `/api/v1/namespaces/${namespace}`;
      const range = body("LimitRange", "l", { spec: { limits } });
      assert.equal((await api.admin.call("POST", `${base}/limitranges`, range)).code, 201);
      const { resourceVersion } = (await api.admin.call("GET", `${base}/limitranges/l`)).body.metadata;
      // The cache that admission reads is as new as this.
      await api.admin.call("GET", `${base}/limitranges?resourceVersion=${resourceVersion}`);
      const isPod = object.spec.containers !== undefined;
      const path = isPod ? `${base}/pods` : `${base}/persistentvolumeclaims`;
      const answer = await api.admin.call(
        "POST",
        path,
        body(isPod ? "Pod" : "PersistentVolumeClaim", "x", object),
      );
      if (refused !== undefined) {
        assert.deepEqual([answer.code, answer.body.message], [403, refused]);
        return;
      }
      assert.equal(answer.code, 201);
      const { spec, metadata } = answer.body;
      const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
      assert.deepEqual(
        containers.map((one: { resources: object }) => one.resources),
        resources,
      );
      assert.equal(metadata.annotations?.["kubernetes.io/limit-ranger"], note ?? undefined);
    });
});
