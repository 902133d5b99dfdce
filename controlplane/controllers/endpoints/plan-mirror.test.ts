import assert from "node:assert/strict";
import type { EndpointSlice, Endpoints, Service } from "../../../client/types.ts";
import { meta } from "../testing/objects.ts";
import { planMirror } from "./plan-mirror.ts";

const service = (spec: Partial<Service["spec"]> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: meta("db"),
  spec: { ports: [{ port: 5432 }], ...spec },
});
const endpoints = (
  metadata: Partial<Endpoints["metadata"]> = {},
  subsets?: Endpoints["subsets"],
): Endpoints => ({
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { ...meta("db"), ...metadata },
  subsets: subsets ?? [
    {
      addresses: [{ ip: "10.0.0.1", nodeName: "n1", hostname: "a" }],
      notReadyAddresses: [{ ip: "10.0.0.2" }],
      ports: [{ name: "pg", port: 5432, protocol: "TCP" }],
    },
  ],
});
const most = 1_000;
const stored = (name: string, made: object): EndpointSlice => {
  const { metadata, ...rest } = made as EndpointSlice;
  return {
    ...rest,
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { ...meta(name), ...metadata },
  };
};

describe("controlplane/controllers/endpoints/plan-mirror", () => {
  it("shows Endpoints of a Service without selector as a slice with its label, and writes nothing that stands", () => {
    const source = endpoints({
      labels: { app: "db" },
      annotations: { note: "x", "kubectl.kubernetes.io/last-applied-configuration": "{}" },
    });
    const { actions } = planMirror(source, service(), [], most);
    const [step] = actions;
    assert.ok(actions.length === 1 && step?.action === "create");
    assert.deepEqual(step.object.metadata.labels, {
      app: "db",
      "kubernetes.io/service-name": "db",
      "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
    });
    assert.deepEqual(step.object.metadata.annotations, { note: "x" });
    assert.deepEqual(
      step.object.metadata.ownerReferences?.map(({ kind, name, controller }) => [kind, name, controller]),
      [["Endpoints", "db", true]],
    );
    assert.deepEqual(step.object.ports, [{ name: "pg", port: 5432, protocol: "TCP" }]);
    assert.deepEqual(step.object.endpoints, [
      { addresses: ["10.0.0.1"], conditions: { ready: true }, hostname: "a", nodeName: "n1" },
      { addresses: ["10.0.0.2"], conditions: { ready: false } },
    ]);
    assert.deepEqual(planMirror(source, service(), [stored("s1", step.object)], most).actions, []);
  });

  it("follows changes in the slice that is there, and removes doubles and ports that went", () => {
    const [made] = planMirror(endpoints(), service(), [], most).actions;
    assert.ok(made?.action === "create");
    const slices = [stored("s1", made.object), stored("s2", made.object)];
    const moved = endpoints({}, [
      { addresses: [{ ip: "10.0.0.9" }], ports: [{ name: "pg", port: 5432, protocol: "TCP" }] },
      { addresses: [{ ip: "2001:DB8::9" }], ports: [{ port: 80, protocol: "TCP" }] },
    ]);
    const { actions } = planMirror(moved, service(), slices, most);
    assert.deepEqual(
      actions.map((step) =>
        step.action === "delete"
          ? [step.action, step.name]
          : [
              step.action,
              step.object.addressType,
              step.object.endpoints?.map(({ addresses }) => addresses[0]),
            ],
      ),
      [
        ["update", "IPv4", ["10.0.0.9"]],
        ["delete", "s2"],
        ["create", "IPv6", ["2001:db8::9"]],
      ],
    );
    assert.deepEqual(
      planMirror(endpoints({}, []), service(), slices, most).actions.map(({ action }) => action),
      ["delete", "delete"],
    );
  });

  it("removes its slices where there is nothing to mirror", () => {
    const [made] = planMirror(endpoints(), service(), [], most).actions;
    assert.ok(made?.action === "create");
    const slices = [stored("s1", made.object)];
    const none: readonly [string, Endpoints | undefined, Service | undefined][] = [
      ["no Endpoints", undefined, service()],
      ["no Service", endpoints(), undefined],
      ["a Service with a selector", endpoints(), service({ selector: { app: "db" } })],
      [
        "told to skip",
        endpoints({ labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }),
        service(),
      ],
      [
        "a leader's record",
        endpoints({ annotations: { "control-plane.alpha.kubernetes.io/leader": "{}" } }),
        service(),
      ],
    ];
    for (const [what, source, of] of none)
      assert.deepEqual(
        planMirror(source, of, slices, most).actions,
        [{ action: "delete", name: "s1" }],
        what,
      );
  });

  it("counts addresses that are none, and those beyond a thousand in a subset", () => {
    const many = Array.from({ length: 1001 }, (_, n) => ({ ip: `10.1.${n >> 8}.${n & 255}` }));
    const plan = planMirror(
      endpoints({}, [{ addresses: [{ ip: "nonsense" }, ...many] }]),
      service(),
      [],
      most,
    );
    assert.deepEqual([plan.invalid, plan.skipped], [1, 2]);
    const [step] = plan.actions;
    assert.equal(step?.action === "create" && step.object.endpoints?.length, 1000);
  });
});
