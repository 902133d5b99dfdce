import assert from "node:assert/strict";
import fc from "fast-check";
import type { EndpointSlice, Node, Pod, Service } from "../../../client/types.ts";
import { meta, pod } from "../testing/objects.ts";
import { planEndpoints } from "./plan-endpoints.ts";
import { planSlices } from "./plan-slices.ts";

const service = (spec: Partial<Service["spec"]> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: meta("web"),
  spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }], ...spec },
});
const backend = (name: string, more: Parameters<typeof pod>[1] = {}): Pod =>
  pod(name, {
    ip: `10.0.${Number(name.slice(1)) >> 8}.${Number(name.slice(1)) & 255}`,
    readyFor: 10,
    node: "n1",
    spec: { containers: [{ name: "c", ports: [{ name: "http", containerPort: 8080 }] }] },
    ...more,
  });
const endpointsPerSliceMost = 100;
const plan = (pods: readonly Pod[], slices: readonly EndpointSlice[] = [], of = service()) =>
  planSlices(of, pods, slices, { nodeOf: () => undefined, endpointsPerSliceMost });

/** What is stored after a plan. */
function applied(
  slices: readonly EndpointSlice[],
  actions: ReturnType<typeof plan>,
  name: () => string,
): EndpointSlice[] {
  const next = new Map(slices.map((slice) => [slice.metadata.name, slice]));
  for (const step of actions) {
    if (step.action === "delete") next.delete(step.name);
    else if (step.action === "update") next.set(step.object.metadata.name, step.object);
    else {
      const fresh = name();
      next.set(fresh, {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        ...step.object,
        metadata: { ...meta(fresh), ...step.object.metadata },
      });
    }
  }
  return [...next.values()];
}

describe("controlplane/controllers/endpoints/plan-slices", () => {
  it("shows what a pod is: ready, serving, terminating", () => {
    const going = backend("p2", { meta: { deletionTimestamp: "x" } });
    const unready = pod("p3", { ip: "10.0.0.3", spec: backend("p3").spec });
    const [step] = plan([backend("p1"), going, unready]);
    assert.ok(step?.action === "create");
    assert.deepEqual(step.object.ports, [{ name: "", protocol: "TCP", port: 8080 }]);
    assert.deepEqual(
      step.object.endpoints?.map(({ conditions }) => conditions),
      [
        { ready: true, serving: true, terminating: false },
        { ready: false, serving: true, terminating: true },
        { ready: false, serving: false, terminating: false },
      ],
    );
  });

  it("says whom an endpoint is meant for where the service wants traffic near", () => {
    const node = {
      metadata: { ...meta("n1"), labels: { "topology.kubernetes.io/zone": "a" } },
    } as unknown as Node;
    const hints = (trafficDistribution?: string) => {
      const of = service(trafficDistribution === undefined ? {} : { trafficDistribution });
      const [step] = planSlices(of, [backend("p1")], [], { nodeOf: () => node, endpointsPerSliceMost });
      return step?.action === "create" ? step.object.endpoints?.[0]?.hints : "no slice";
    };
    assert.equal(hints(), undefined);
    for (const one of ["PreferClose", "PreferSameZone"])
      assert.deepEqual(hints(one), { forZones: [{ name: "a" }] });
    assert.deepEqual(hints("PreferSameNode"), { forZones: [{ name: "a" }], forNodes: [{ name: "n1" }] });
  });
  it("leaves out pods that ended, have no address, or lack the named port", () => {
    const none = pod("p4", { ip: "10.0.0.4", readyFor: 1 });
    const actions = plan([backend("p1", { phase: "Succeeded" }), pod("p2"), none]);
    assert.deepEqual(
      actions.map((step) => step.action === "create" && step.object.endpoints),
      [[]],
    );
  });

  it("publishes what is not ready where the service says so", () => {
    const [step] = plan(
      [pod("p1", { ip: "10.0.0.1", spec: backend("p1").spec })],
      [],
      service({ publishNotReadyAddresses: true }),
    );
    assert.equal(step?.action === "create" && step.object.endpoints?.[0]?.conditions?.ready, true);
  });

  it("writes only the slice that changed", () => {
    const many = Array.from({ length: 150 }, (_, i) => backend(`p${i}`));
    let made = 0;
    const stored = applied([], plan(many), () => `s${made++}`);
    assert.deepEqual(
      stored.map(({ endpoints }) => endpoints?.length),
      [100, 50],
    );
    assert.deepEqual(plan(many, stored), []);
    const steps = plan([...many.slice(1), backend("p200")], stored);
    assert.deepEqual(
      steps.map((step) => step.action === "update" && step.object.metadata.name),
      ["s0"],
    );
  });

  it("puts no more into a slice than is asked, and leaves one be that has more", () => {
    const many = Array.from({ length: 5 }, (_, at) => backend(`p${at}`));
    let made = 0;
    const few = { nodeOf: () => undefined, endpointsPerSliceMost: 2 };
    const stored = applied([], planSlices(service(), many, [], few), () => `s${made++}`);
    assert.deepEqual(
      stored.map(({ endpoints }) => endpoints?.length),
      [2, 2, 1],
    );
    const whole = applied([], plan(many), () => `s${made++}`);
    assert.deepEqual(planSlices(service(), many, whole, few), []);
  });

  it("puts every backend in exactly one slice of at most a hundred, whatever was stored", () => {
    const pods = fc.uniqueArray(fc.nat(400), { maxLength: 250 });
    fc.assert(
      fc.property(fc.array(pods, { minLength: 1, maxLength: 4 }), (rounds) => {
        let stored: EndpointSlice[] = [];
        let made = 0;
        for (const round of rounds) {
          const wanted = round.map((n) => backend(`p${n}`));
          stored = applied(stored, plan(wanted, stored), () => `s${made++}`);
          const shown = stored.flatMap(({ endpoints }) =>
            (endpoints ?? []).map(({ targetRef }) => targetRef?.name),
          );
          assert.deepEqual([...shown].sort(), wanted.map(({ metadata }) => metadata.name).sort());
          assert.ok(stored.every(({ endpoints }) => (endpoints?.length ?? 0) <= endpointsPerSliceMost));
          assert.deepEqual(plan(wanted, stored), []);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("controlplane/controllers/endpoints/plan-endpoints", () => {
  it("keeps ready and not ready apart, and writes nothing that stands", () => {
    const pods = [backend("p1"), pod("p2", { ip: "10.0.0.2", spec: backend("p2").spec })];
    const next = planEndpoints(service(), pods, undefined);
    assert.ok(next);
    assert.deepEqual(
      next.subsets?.map(({ addresses, notReadyAddresses, ports }) => [
        addresses?.map(({ ip }) => ip),
        notReadyAddresses?.map(({ ip }) => ip),
        ports,
      ]),
      [[["10.0.0.1"], ["10.0.0.2"], [{ port: 8080, protocol: "TCP" }]]],
    );
    const stored = {
      apiVersion: "v1",
      kind: "Endpoints",
      ...next,
      metadata: { ...meta("web"), ...next.metadata },
    };
    assert.equal(
      planEndpoints(service(), pods, {
        ...stored,
        metadata: { ...meta("web"), labels: next.metadata.labels ?? {} },
      }),
      undefined,
    );
  });
});
