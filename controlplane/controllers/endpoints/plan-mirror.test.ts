import assert from "node:assert/strict";
import fc from "fast-check";
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

  it("in any life shows exactly the addresses that are some, up to so many a subset, and then writes nothing", () => {
    const subsetMost = 3;
    const ips = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "fd00::1", "FD00:0::2", "nonsense"];
    const canonical: Readonly<Record<string, string>> = { "FD00:0::2": "fd00::2" };
    const subset = fc.record({ ready: fc.subarray(ips), notReady: fc.subarray(ips) });
    // The API has no two subsets with the same ports.
    const sources = fc.record({
      subsets: fc.array(subset, { maxLength: 3 }),
      labels: fc.constantFrom({}, { app: "db" }),
      isMirrored: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(sources, { minLength: 1, maxLength: 4 }), (life) => {
        let slices: EndpointSlice[] = [];
        let made = 0;
        for (const { subsets, labels, isMirrored } of life) {
          const source = endpoints(
            { labels },
            subsets.map(({ ready, notReady }, at) => ({
              addresses: ready.map((ip) => ({ ip })),
              notReadyAddresses: notReady.map((ip) => ({ ip })),
              ports: [{ name: "pg", port: 5432 + at, protocol: "TCP" }],
            })),
          );
          const of = isMirrored ? service() : service({ selector: { app: "db" } });
          const plan = planMirror(source, of, slices, subsetMost);
          for (const step of plan.actions) {
            if (step.action === "create") slices.push(stored(`s${made++}`, step.object));
            else {
              const name = step.action === "delete" ? step.name : step.object.metadata.name;
              assert.ok(slices.some(({ metadata }) => metadata.name === name));
              slices = slices.flatMap((one) => {
                if (one.metadata.name !== name) return [one];
                return step.action === "update" ? [step.object] : [];
              });
            }
          }
          assert.deepEqual(
            planMirror(source, of, slices, subsetMost).actions,
            [],
            "writes again what stands",
          );
          const shown = slices.flatMap(({ endpoints: all, ports }) =>
            (all ?? []).map(
              ({ addresses, conditions }) => `${ports?.[0]?.port} ${addresses[0]} ${conditions?.ready}`,
            ),
          );
          const wanted = subsets.flatMap(({ ready, notReady }, at) =>
            [...ready.map((ip) => [ip, true] as const), ...notReady.map((ip) => [ip, false] as const)]
              .filter(([ip]) => ip !== "nonsense")
              .slice(0, subsetMost)
              .map(([ip, isReady]) => `${5432 + at} ${canonical[ip] ?? ip} ${isReady}`),
          );
          assert.deepEqual(shown.sort(), isMirrored ? wanted.sort() : []);
          const kinds = slices.map(({ addressType, ports }) => `${addressType} ${ports?.[0]?.port}`);
          assert.equal(new Set(kinds).size, kinds.length, "two slices of one kind");
          for (const { metadata } of slices) assert.equal(metadata.labels?.app, source.metadata.labels?.app);
        }
      }),
      { numRuns: 300 },
    );
  });
});
