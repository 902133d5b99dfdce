import assert from "node:assert/strict";
import type { EndpointSlice, Pod } from "../../../client/types.ts";
import { startTestApiserver, type TestApiserver } from "../testing.ts";
import { dropDeprecatedTopology, dropDisabledPod } from "./disabled-fields.ts";

const podWith = (spec: object) =>
  ({ metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }], ...spec } }) as unknown as Pod;

describe("fields of features that are off", () => {
  it("stay where the object has them already, and only there", () => {
    const group = { schedulingGroup: { podGroupName: "g" } };
    const fresh = podWith(group);
    dropDisabledPod(fresh);
    assert.deepEqual(fresh, podWith({}));
    const changed = podWith({ ...group, activeDeadlineSeconds: 5 });
    dropDisabledPod(changed, podWith(group));
    assert.deepEqual(changed, podWith({ ...group, activeDeadlineSeconds: 5 }));
  });

  it("leave no empty lifecycle, and an empty source where a projected one stood", () => {
    const container = (lifecycle: object) => ({ name: "c", image: "i", lifecycle });
    const pod = podWith({
      containers: [container({ stopSignal: "SIGUSR1" }), container({ stopSignal: "SIGUSR1", preStop: {} })],
      volumes: [
        { name: "v", projected: { sources: [{ clusterTrustBundle: { path: "p" } }, { secret: {} }] } },
      ],
    });
    dropDisabledPod(pod);
    assert.deepEqual(pod.spec, {
      containers: [{ name: "c", image: "i" }, container({ preStop: {} })],
      volumes: [{ name: "v", projected: { sources: [{}, { secret: {} }] } }],
    });
  });

  it("name a node at most: an endpoint's old topology becomes its nodeName", () => {
    const endpoint = (node: string, ready: boolean) => ({
      addresses: ["10.0.0.1"],
      conditions: { ready },
      deprecatedTopology: { "kubernetes.io/hostname": node },
    });
    const slice = (...endpoints: object[]) =>
      ({ metadata: { name: "s" }, addressType: "IPv4", endpoints }) as unknown as EndpointSlice;
    const old = slice(endpoint("n1", true));
    const same = slice(endpoint("n1", true));
    dropDeprecatedTopology(same, old);
    assert.deepEqual(same, old);
    const next = slice(endpoint("n1", false), endpoint("n2", true));
    dropDeprecatedTopology(next, old);
    assert.deepEqual(
      next.endpoints?.map(({ nodeName, deprecatedTopology }) => [nodeName, deprecatedTopology]),
      [
        ["n1", undefined],
        [undefined, undefined],
      ],
    );
  });

  describe("on a server", () => {
    let api: TestApiserver;
    before(async () => {
      api = await startTestApiserver();
    });
    after(() => api.stop());

    it("go from templates too, when they are made and when they are changed", async () => {
      const path = "/apis/apps/v1/namespaces/default/deployments";
      const labels = { app: "a" };
      const containers = [{ name: "c", image: "i", lifecycle: { stopSignal: "SIGUSR1" } }];
      const template = {
        metadata: { labels },
        spec: { containers, schedulingGroup: { podGroupName: "g" } },
      };
      const spec = { selector: { matchLabels: labels }, template };
      const body = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec };
      const made = await api.admin.call("POST", path, { body });
      assert.equal(made.code, 201);
      const changed = await api.admin.call("PATCH", `${path}/d`, {
        body: { spec: { template } },
        type: "application/merge-patch+json",
      });
      assert.equal(changed.code, 200);
      for (const answer of [made, changed]) {
        const got = answer.body.spec.template.spec;
        assert.deepEqual([got.schedulingGroup, got.containers[0].lifecycle], [undefined, undefined]);
      }
    });
  });
});
