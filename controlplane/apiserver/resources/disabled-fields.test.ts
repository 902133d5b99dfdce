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

  describe("on a server with ContainerStopSignals", () => {
    let api: TestApiserver;
    before(async () => {
      api = await startTestApiserver({ config: { features: new Set(["ContainerStopSignals"] as const) } });
    });
    after(() => api.stop());
    const lifecycle = (stopSignal: string) => ({ lifecycle: { stopSignal } });
    const dry = (spec: object) =>
      api.admin.call("POST", "/api/v1/namespaces/default/pods?dryRun=All", {
        body: {
          apiVersion: "v1",
          kind: "Pod",
          metadata: { name: "p" },
          spec: { containers: [{ name: "c", image: "i" }], automountServiceAccountToken: false, ...spec },
        },
      });
    const container = (stopSignal: string) => ({ name: "c", image: "i", ...lifecycle(stopSignal) });
    const linux = { os: { name: "linux" } };

    it("stop signals stay, in templates too", async () => {
      for (const signal of ["SIGUSR1", "SIGRTMIN+15", "SIGRTMAX-14", "SIGRTMAX"]) {
        const { code, body } = await dry({ containers: [container(signal)], ...linux });
        assert.equal(code, 201, JSON.stringify(body));
        assert.deepEqual(body.spec.containers[0].lifecycle, { stopSignal: signal });
      }
      const labels = { app: "a" };
      const template = { metadata: { labels }, spec: { containers: [container("SIGUSR1")], ...linux } };
      const made = await api.admin.call("POST", "/apis/apps/v1/namespaces/default/deployments?dryRun=All", {
        body: {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "d" },
          spec: { selector: { matchLabels: labels }, template },
        },
      });
      assert.deepEqual(made.body.spec.template.spec.containers[0].lifecycle, { stopSignal: "SIGUSR1" });
    });

    for (const [what, spec, said] of [
      [
        "of a pod that names no system",
        { containers: [container("SIGUSR1")] },
        "spec.containers[0].lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`",
      ],
      [
        "that are none",
        { containers: [container("SIGRTMIN+16")], ...linux },
        'spec.containers[0].lifecycle.stopSignal: Unsupported value: "SIGRTMIN+16": supported values: "SIGABRT", "SIGALRM", ',
      ],
      [
        "that another system lacks",
        { containers: [container("SIGUSR1")], os: { name: "windows" } },
        'spec.containers[0].lifecycle.stopSignal: Unsupported value: "SIGUSR1": supported values: "SIGKILL", "SIGTERM"',
      ],
      [
        "of init containers that only have to end",
        { initContainers: [{ ...container("SIGUSR1"), name: "i" }], ...linux },
        "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always",
      ],
    ] as const)
      it(`stop signals are refused ${what}`, async () => {
        const { code, body } = await dry(spec);
        assert.equal(code, 422);
        assert.ok(body.message.includes(said), body.message);
      });
  });
});
