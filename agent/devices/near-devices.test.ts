import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { type PlacementRules, placePod } from "../cpus/place-pod.ts";
import { machine, wanting } from "../cpus/testing/machines.ts";
import { numaPlaces } from "../cpus/topology-hints.ts";
import type { GivenDevices } from "./allocations.ts";
import type { Devices } from "./device-list.ts";
import { type DeviceSource, PodDevices } from "./pod-devices.ts";
import { asking, gpu, podOf } from "./testing/device-rig.ts";

/** Devices in memory, given as they are reserved. */
class Source implements DeviceSource {
  readonly given = new Map<string, GivenDevices>();
  readonly #devices: Devices;

  constructor(numa: Readonly<Record<string, readonly number[]>>) {
    this.#devices = new Map(
      Object.entries(numa).map(([id, nodes]) => [id, { isHealthy: true, numa: nodes }]),
    );
  }

  isManaged = (resource: string) => resource === gpu;
  devices = () => this.#devices;
  inUse = () => new Set([...this.given.values()].flatMap(({ devices }) => [...devices.keys()]));
  of = (podUid: string, container: string) => {
    const own = this.given.get(`${podUid}/${container}`);
    return own === undefined ? new Map() : new Map([[gpu, own]]);
  };
  reserve = (podUid: string, container: string, _: string, ids: readonly string[]) => {
    const devices = new Map(ids.map((id) => [id, this.#devices.get(id)?.numa ?? []]));
    this.given.set(`${podUid}/${container}`, { devices });
  };
  give = async () => undefined;
}

const topology = machine({ sockets: 2, coresPerNuma: 2, threads: 1 });
const rules: PlacementRules = {
  topology,
  reserved: new Set(),
  fullCoresOnly: false,
  topologyPolicy: "single-numa-node",
  topologyScope: "container",
};
const own = (name: string, gpus: number, cpus = "1") => {
  const { resources } = wanting(cpus);
  const more = { [gpu]: String(gpus) };
  return {
    name,
    image: "i",
    resources: { limits: { ...resources?.limits, ...more }, requests: { ...resources?.requests, ...more } },
  };
};
const rejected = {
  reason: "TopologyAffinityError",
  message: "Resources cannot be allocated with Topology locality",
};

describe("CPUs and devices of one container", () => {
  const place = (source: Source, pod: Pod, more: Partial<PlacementRules> = {}, taken = new Map()) =>
    placePod(pod, taken, { ...rules, ...more }, new PodDevices(pod, numaPlaces(topology), source));
  const nodesOf = (cpus: ReadonlySet<number> | undefined) =>
    topology.filter(({ id }) => cpus?.has(id)).map(({ numa }) => numa);

  it("are of one NUMA node, where that is asked for", () => {
    const source = new Source({ a: [1], b: [0] });
    const taken = new Map([["other", new Map([["c", new Set([0, 1])]])]]);
    const placed = place(source, podOf("p", [own("c", 1)]), {}, taken);
    assert.ok(!("reason" in placed));
    assert.deepEqual(nodesOf(placed.get("c")), [1]);
    assert.deepEqual([...(source.given.get("p/c")?.devices.keys() ?? [])], ["a"]);
  });

  it("are refused where no node has both", () => {
    const taken = new Map([["other", new Map([["c", new Set([0, 1])]])]]);
    assert.deepEqual(place(new Source({ a: [0] }), podOf("p", [own("c", 1)]), {}, taken), rejected);
    const both = podOf("p", [own("c", 2)]);
    assert.deepEqual(place(new Source({ a: [0], b: [1] }), both), rejected);
    assert.ok(!("reason" in place(new Source({ a: [0], b: [1] }), both, { topologyPolicy: "best-effort" })));
  });

  it("do not care where the plugin does not", () => {
    assert.ok(!("reason" in place(new Source({ a: [], b: [] }), podOf("p", [own("c", 2)]))));
  });

  it("are placed beside those of the containers before, and all of a pod's together where that is asked for", () => {
    const pod = podOf("p", [own("c", 1), own("d", 1)]);
    const each = new Source({ a: [0], b: [1] });
    assert.ok(!("reason" in place(each, pod)));
    assert.deepEqual(
      [...each.given.values()].map(({ devices }) => [...devices.keys()]),
      [["a"], ["b"]],
    );
    assert.deepEqual(place(new Source({ a: [0], b: [1] }), pod, { topologyScope: "pod" }), rejected);
    assert.ok(!("reason" in place(new Source({ a: [1], b: [1] }), pod, { topologyScope: "pod" })));
  });

  it("are devices alone where no CPU is a container's own", () => {
    const share = { allShare: true };
    assert.deepEqual(place(new Source({ a: [0], b: [1] }), podOf("p", [asking(2)]), share), rejected);
    const placed = place(new Source({ a: [0], b: [0] }), podOf("p", [asking(2)]), share);
    assert.ok(!("reason" in placed) && placed.size === 0);
  });
});
