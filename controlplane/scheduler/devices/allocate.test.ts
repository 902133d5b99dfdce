import assert from "node:assert/strict";
import fc from "fast-check";
import { type AllocatedDevice, type Allocation, deviceKey } from "../../../client/rules/allocated-devices.ts";
import type { ResourceClaim, ResourceSlice } from "../../../client/types.ts";
import { asks, driver, sketchClaim, sketchClass, sketchSlice } from "../testing/device-objects.ts";
import { allocate } from "./allocate.ts";
import { AllocatedDevices } from "./allocated-devices.ts";
import { poolsFor } from "./pools.ts";
import { type SearchLimit, searchLimit } from "./search-limit.ts";
import { SelectorCache } from "./selector-cache.ts";

const selectors = new SelectorCache();
const classes = new Map(
  [
    sketchClass(),
    sketchClass("big", {
      selectors: [{ cel: { expression: `device.attributes["${driver}"].size == "big"` } }],
      config: [{ opaque: { driver, parameters: { mode: "fast" } } }],
    }),
  ].map((one) => [one.metadata.name, one]),
);

function attempt(
  slices: readonly ResourceSlice[],
  claims: readonly ResourceClaim[],
  more: { readonly held?: readonly Allocation[]; readonly node?: string; readonly limit?: SearchLimit } = {},
) {
  const allocated = new AllocatedDevices();
  for (const [index, allocation] of (more.held ?? []).entries()) allocated.set(`held-${index}`, allocation);
  const node = { name: more.node ?? "n1", labels: { zone: "a" } };
  let shares = 0;
  return allocate({
    claims,
    node,
    limit: more.limit ?? searchLimit,
    pools: poolsFor(node, {
      ofNode: (name) => slices.filter(({ spec }) => spec.nodeName === name && !spec.sharedCounters),
      shared: () => slices.filter(({ spec }) => !spec.nodeName || spec.sharedCounters),
      ofPool: (ofDriver, pool) =>
        slices.filter(({ spec }) => spec.driver === ofDriver && spec.pool.name === pool),
    }),
    allocated,
    deviceClass: (name) => classes.get(name),
    selects: (list, device, of) => selectors.selects(list, device, of),
    newShare: () => `share-${shares++}`,
  });
}

/** `request=device`, by claim; or why not. */
function shown(result: ReturnType<typeof allocate>): unknown {
  if ("problem" in result) return result.problem;
  return result.allocations.map(({ devices }) =>
    (devices?.results ?? []).map(({ request, device }) => `${request}=${device}`),
  );
}

const cel = (expression: string) => [{ cel: { expression } }];
const gpu = (name: string, attributes: object = {}, more: object = {}) => ({ name, attributes, ...more });
const held = (...devices: readonly string[]): Allocation => ({
  devices: {
    results: devices.map((device) => ({ request: "r", driver, pool: "p", device })),
  },
});
const three = sketchSlice("p", [
  gpu("a", { size: { string: "big" }, rail: { int: 1 } }),
  gpu("b", { size: { string: "big" }, rail: { int: 2 } }),
  gpu("c", { size: { string: "small" }, rail: { int: 1 } }),
]);
const none = "cannot allocate all claims";

describe("controlplane/scheduler/devices/allocate", () => {
  it("gives each request what class and selectors choose and nobody has", () => {
    assert.deepEqual(shown(attempt([three], [sketchClaim("x", [asks("r")])])), [["r=a"]]);
    const big = sketchClaim("x", [asks("r", { deviceClassName: "big", count: 2 })]);
    assert.deepEqual(shown(attempt([three], [big])), [["r=a", "r=b"]]);
    assert.equal(shown(attempt([three], [big], { held: [held("a")] })), none);
    const small = asks("r", { selectors: cel(`device.attributes["${driver}"].size != "big"`) });
    assert.deepEqual(shown(attempt([three], [sketchClaim("x", [small])])), [["r=c"]]);
    const two = [sketchClaim("x", [asks("r", { count: 2 })]), sketchClaim("y", [asks("s")])];
    assert.deepEqual(shown(attempt([three], two)), [["r=a", "r=b"], ["s=c"]]);
  });

  it("goes back where the first choice leaves nothing for a later request", () => {
    const later = asks("s", { selectors: cel(`device.attributes["${driver}"].rail == 1`), count: 2 });
    assert.deepEqual(shown(attempt([three], [sketchClaim("x", [asks("r"), later])])), [
      ["r=b", "s=a", "s=c"],
    ]);
  });

  it("takes all of a capacity that is named as what every object inherits where nobody asks for a part", () => {
    const capacity = { constructor: { value: "4" } };
    const shared = sketchSlice("s", [{ name: "d", allowMultipleAllocations: true, capacity }]);
    const part = { capacity: { requests: { constructor: "1" } } };
    assert.deepEqual(shown(attempt([shared], [sketchClaim("x", [asks("r", part), asks("s", part)])])), [
      ["r=d", "s=d"],
    ]);
    assert.equal(shown(attempt([shared], [sketchClaim("x", [asks("r"), asks("s")])])), none);
  });

  it("heeds what devices must share, and must not", () => {
    const rail = `${driver}/rail`;
    const of = (constraint: object) =>
      shown(
        attempt(
          [three],
          [sketchClaim("x", [asks("r", { count: 2 })], { spec: { constraints: [constraint] } })],
        ),
      );
    assert.deepEqual(of({ matchAttribute: rail }), [["r=a", "r=c"]]);
    assert.deepEqual(of({ distinctAttribute: rail }), [["r=a", "r=b"]]);
    assert.equal(of({ matchAttribute: `${driver}/unknown` }), none);
    assert.deepEqual(of({ matchAttribute: `${driver}/unknown`, requests: ["other"] }), [["r=a", "r=b"]]);
    assert.equal(of({}), "claim n/x, constraint #0: empty constraint (unsupported constraint type?)");
  });

  it("takes all that there are, or none", () => {
    const all = sketchClaim("x", [asks("r", { allocationMode: "All" })]);
    assert.deepEqual(shown(attempt([three], [all])), [["r=a", "r=b", "r=c"]]);
    assert.equal(shown(attempt([three], [all], { held: [held("b")] })), none);
    assert.equal(shown(attempt([sketchSlice("p", [])], [all])), none);
    const unfinished = sketchSlice(
      "p",
      [gpu("a")],
      { allNodes: true },
      {
        pool: { name: "p", generation: 1, resourceSliceCount: 2 },
      },
    );
    assert.equal(
      shown(attempt([unfinished], [all])),
      `claim n/x, request r: asks for all devices, but resource pool ${driver}/p is currently being updated`,
    );
    assert.equal(shown(attempt([unfinished], [sketchClaim("x", [asks("r")])])), none);
  });

  it("takes the first of alternatives that can be had, with its configuration", () => {
    const one = (name: string, deviceClassName: string, count: number) => ({ name, deviceClassName, count });
    const claim = sketchClaim(
      "x",
      [{ name: "r", firstAvailable: [one("four", "gpu", 4), one("two", "big", 2), one("one", "gpu", 1)] }],
      {
        spec: {
          config: [
            { requests: ["r/two"], opaque: { driver, parameters: { a: 1 } } },
            { requests: ["r/one"], opaque: { driver, parameters: { b: 1 } } },
          ],
        },
      },
    );
    const result = attempt([three], [claim]);
    assert.deepEqual(shown(result), [["r/two=a", "r/two=b"]]);
    assert.deepEqual("allocations" in result && result.allocations[0]?.devices?.config, [
      { source: "FromClass", requests: ["r/two"], opaque: { driver, parameters: { mode: "fast" } } },
      { source: "FromClaim", requests: ["r/two"], opaque: { driver, parameters: { a: 1 } } },
    ]);
    assert.deepEqual(shown(attempt([three], [claim], { held: [held("a")] })), [["r/one=b"]]);
  });

  it("lets administrators have what others have, and keeps nothing from others for it", () => {
    const admin = sketchClaim("x", [asks("r", { adminAccess: true, count: 3 })]);
    const result = attempt([three], [admin, sketchClaim("y", [asks("s", { count: 2 })])], {
      held: [held("a")],
    });
    assert.equal(shown(result), none, "who asks after an administrator does not get the same in one go");
    assert.deepEqual(shown(attempt([three], [admin], { held: [held("a", "b", "c")] })), [
      ["r=a", "r=b", "r=c"],
    ]);
    const books = new AllocatedDevices();
    books.set("x", {
      devices: { results: [{ request: "r", driver, pool: "p", device: "a", adminAccess: true }] },
    });
    assert.equal(books.holds(deviceKey({ driver, pool: "p", device: "a" })), false);
  });

  it("leaves devices alone that are tainted, but for who bears that", () => {
    const taints = [{ key: "broken", effect: "NoSchedule" }];
    const slices = [
      sketchSlice("p", [gpu("a", {}, { taints }), gpu("b", {}, { taints: [{ key: "x", effect: "None" }] })]),
    ];
    assert.deepEqual(shown(attempt(slices, [sketchClaim("x", [asks("r")])])), [["r=b"]]);
    const tolerations = [{ key: "broken", operator: "Exists" }];
    const result = attempt(slices, [sketchClaim("x", [asks("r", { tolerations })])]);
    assert.deepEqual(shown(result), [["r=a"]]);
    assert.deepEqual(
      "allocations" in result && result.allocations[0]?.devices?.results?.[0]?.tolerations,
      tolerations,
    );
  });

  it("knows which devices a node reaches, and says where those are that were taken", () => {
    const zone = {
      nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }] }],
    };
    const own = {
      nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }],
    };
    const where = (slice: ResourceSlice, node?: string) => {
      const result = attempt([slice], [sketchClaim("x", [asks("r")])], node === undefined ? {} : { node });
      return "problem" in result ? result.problem : result.allocations[0]?.nodeSelector;
    };
    assert.equal(where(sketchSlice("p", [gpu("a")])), undefined);
    assert.deepEqual(where(sketchSlice("p", [gpu("a")], { nodeName: "n1" })), own);
    assert.equal(where(sketchSlice("p", [gpu("a")], { nodeName: "n1" }), "n2"), none);
    assert.deepEqual(where(sketchSlice("p", [gpu("a")], { nodeSelector: zone })), zone);
    assert.deepEqual(
      where(sketchSlice("p", [gpu("a", {}, { bindsToNode: true })], { nodeSelector: zone })),
      own,
    );
    const each = sketchSlice("p", [gpu("a", {}, { nodeName: "n2" }), gpu("b", {}, { nodeSelector: zone })], {
      perDeviceNodeSelection: true,
    });
    assert.deepEqual(where(each), zone);
    assert.deepEqual(shown(attempt([each], [sketchClaim("x", [asks("r")])])), [["r=b"]]);
  });

  it("forgets what a newer generation of a pool replaces, and trusts none that contradicts itself", () => {
    const newer = sketchSlice(
      "q",
      [gpu("z")],
      { allNodes: true },
      {
        pool: { name: "p", generation: 2, resourceSliceCount: 1 },
      },
    );
    assert.deepEqual(shown(attempt([three, newer], [sketchClaim("x", [asks("r")])])), [["r=z"]]);
    const elsewhere = { ...newer, spec: { ...newer.spec, allNodes: undefined, nodeName: "n9" } } as never;
    assert.equal(shown(attempt([three, elsewhere], [sketchClaim("x", [asks("r")])])), none);
    const twice = sketchSlice("p", [gpu("a"), gpu("a")]);
    assert.equal(
      shown(attempt([twice], [sketchClaim("x", [asks("r")])])),
      "invalid resource pools were encountered",
    );
  });

  it("gives no more parts of a device than it has", () => {
    const memory = (value: string) => [{ counterSet: "card", counters: { memory: { value } } }];
    const parts = sketchSlice(
      "parts",
      [
        gpu("whole", {}, { consumesCounters: memory("80Gi") }),
        gpu("half-1", {}, { consumesCounters: memory("40Gi") }),
        gpu("half-2", {}, { consumesCounters: memory("40Gi") }),
      ],
      { allNodes: true },
      { pool: { name: "p", generation: 1, resourceSliceCount: 2 } },
    );
    const { devices: _, ...spec } = sketchSlice("card", []).spec;
    const card = {
      ...sketchSlice("card", []),
      spec: {
        ...spec,
        pool: { name: "p", generation: 1, resourceSliceCount: 2 },
        sharedCounters: [{ name: "card", counters: { memory: { value: "80Gi" } } }],
      },
    } as ResourceSlice;
    const slices = [card, parts];
    assert.deepEqual(shown(attempt(slices, [sketchClaim("x", [asks("r")])])), [["r=whole"]]);
    assert.deepEqual(shown(attempt(slices, [sketchClaim("x", [asks("r", { count: 2 })])])), [
      ["r=half-1", "r=half-2"],
    ]);
    assert.equal(shown(attempt(slices, [sketchClaim("x", [asks("r", { count: 3 })])])), none);
    assert.deepEqual(shown(attempt(slices, [sketchClaim("x", [asks("r")])], { held: [held("half-2")] })), [
      ["r=half-1"],
    ]);
  });

  it("lets several have shares of a device that allows it, as much as it has, in steps", () => {
    const shared = sketchSlice("p", [
      gpu(
        "a",
        {},
        {
          allowMultipleAllocations: true,
          capacity: {
            memory: {
              value: "10Gi",
              requestPolicy: { default: "1Gi", validRange: { min: "1Gi", step: "2Gi" } },
            },
          },
        },
      ),
    ]);
    const of = (memory?: string) =>
      asks("r", memory === undefined ? {} : { capacity: { requests: { memory } } });
    const amounts = (...requests: readonly object[]) => {
      const result = attempt(
        [shared],
        requests.map((one, index) => sketchClaim(`x${index}`, [one])),
      );
      return "problem" in result
        ? result.problem
        : result.allocations.map(({ devices }) => devices?.results?.[0]?.consumedCapacity);
    };
    assert.deepEqual(amounts(of(), of("2Gi"), of("3Gi")), [
      { memory: "1Gi" },
      { memory: "3Gi" },
      { memory: "3Gi" },
    ]);
    assert.equal(amounts(of("6Gi"), of("4Gi")), none, "7 and 5 of 10");
    assert.equal(amounts(asks("r", { capacity: { requests: { cores: "1" } } })), none);
  });

  it("tells what is wrong with an expression, a class or a claim", () => {
    const of = (request: object) => shown(attempt([three], [sketchClaim("x", [request])]));
    assert.equal(
      of(asks("r", { deviceClassName: "nobodys" })),
      "claim n/x, request r: could not retrieve device class nobodys",
    );
    assert.equal(
      of(asks("r", { selectors: cel(`device.attributes["${driver}"].speed > 1`) })),
      "claim n/x: selector #0: CEL runtime error: no such key: speed",
    );
    assert.match(
      String(of(asks("r", { selectors: cel("1 +") }))),
      /^claim n\/x: selector #0: CEL compile error: /,
    );
    assert.equal(
      of(asks("r", { selectors: [{}] })),
      "claim n/x, request r, selector #0: CEL expression empty (unsupported selector type?)",
    );
    assert.equal(
      shown(attempt([three], [sketchClaim("x", [asks("a", { count: 20 }), asks("b", { count: 13 })])])),
      "claim n/x: number of requested devices 33 exceeds the claim limit of 32",
    );
  });

  it("looks no longer than it may", () => {
    const devices = Array.from({ length: 9 }, (_, index) => ({ name: `d${index}` }));
    const asked = [sketchClaim("x", [asks("r", { count: 10 })])];
    const within = (limit: SearchLimit) => shown(attempt([sketchSlice("p", devices)], asked, { limit }));
    const everyStepTakes = (ms: number): SearchLimit => {
      let nowMs = 0;
      return { timeMaxMs: 1_000, nowMs: () => (nowMs += ms) };
    };
    const timedOut = "node n1: timed out trying to allocate devices";
    assert.equal(within(everyStepTakes(1)), "cannot allocate all claims");
    assert.equal(within(everyStepTakes(10)), timedOut);
    assert.equal(within({ stepsMax: 100 }), timedOut);
  });

  describe("in any cluster", () => {
    const attribute = fc.constantFrom("x", "y");
    const world = fc.record({
      devices: fc.array(fc.record({ size: attribute, rail: fc.nat(2) }), { maxLength: 5 }),
      held: fc.uniqueArray(fc.nat(4), { maxLength: 2 }),
      claims: fc.array(
        fc.record({
          requests: fc.array(
            fc.record({ count: fc.integer({ min: 1, max: 2 }), size: fc.option(attribute) }),
            {
              minLength: 1,
              maxLength: 2,
            },
          ),
          rule: fc.constantFrom("none", "matchAttribute", "distinctAttribute"),
        }),
        { minLength: 1, maxLength: 2 },
      ),
    });
    type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

    const build = ({ devices, held: taken, claims }: World) => ({
      slices: [
        sketchSlice(
          "p",
          devices.map(({ size, rail }, index) =>
            gpu(`d${index}`, { size: { string: size }, rail: { int: rail } }),
          ),
        ),
      ],
      held: [held(...taken.map((index) => `d${index}`))],
      claims: claims.map(({ requests, rule }, index) =>
        sketchClaim(
          `c${index}`,
          requests.map(({ count, size }, at) =>
            asks(`r${at}`, {
              count,
              ...(size !== null && { selectors: cel(`device.attributes["${driver}"].size == "${size}"`) }),
            }),
          ),
          rule === "none" ? {} : { spec: { constraints: [{ [rule]: `${driver}/rail` }] } },
        ),
      ),
    });

    /** Obviously right: all ways to give devices to what is asked for, one after the other. */
    function isPossible({ devices, held: taken, claims }: World): boolean {
      const slots = claims.flatMap(({ requests }, claim) =>
        requests.flatMap(({ count, size }) => Array.from({ length: count }, () => ({ claim, size }))),
      );
      const fits = (chosen: readonly number[]): boolean =>
        claims.every(({ rule }, claim) => {
          const rails = chosen.flatMap((device, slot) =>
            slots[slot]?.claim === claim ? [devices[device]?.rail] : [],
          );
          const kinds = new Set(rails).size;
          return rule === "none" || (rule === "matchAttribute" ? kinds <= 1 : kinds === rails.length);
        });
      const extend = (chosen: readonly number[]): boolean => {
        const slot = slots[chosen.length];
        if (slot === undefined) return fits(chosen);
        return devices.some(
          ({ size }, index) =>
            !taken.includes(index) &&
            !chosen.includes(index) &&
            (slot.size === null || slot.size === size) &&
            extend([...chosen, index]),
        );
      };
      return extend([]);
    }

    it("finds devices exactly where there are some, gives none twice and breaks no rule", () => {
      fc.assert(
        fc.property(world, (given) => {
          const { slices, claims, held: taken } = build(given);
          const result = attempt(slices, claims, { held: taken });
          assert.equal("allocations" in result, isPossible(given));
          if ("problem" in result) return;
          assert.deepEqual(attempt(slices, claims, { held: taken }), result, "the same once more");
          const all = result.allocations.flatMap(({ devices }) => devices?.results ?? []);
          const names = [...all, ...(taken[0]?.devices?.results ?? [])].map(({ device }) => device);
          assert.equal(new Set(names).size, names.length, "given twice");
          for (const [index, { requests, rule }] of given.claims.entries()) {
            const results: readonly AllocatedDevice[] = result.allocations[index]?.devices?.results ?? [];
            const devices = results.map(({ device }) => given.devices[Number(device.slice(1))]);
            assert.equal(
              results.length,
              requests.reduce((sum, { count }) => sum + count, 0),
            );
            for (const [at, { size }] of requests.entries())
              for (const [slot, { request }] of results.entries())
                if (request === `r${at}` && size !== null) assert.equal(devices[slot]?.size, size);
            const kinds = new Set(devices.map((one) => one?.rail)).size;
            if (rule === "matchAttribute") assert.equal(kinds, 1);
            if (rule === "distinctAttribute") assert.equal(kinds, devices.length);
          }
        }),
        { numRuns: 500 },
      );
    });

    it("counts what claims hold, whatever order they come and go in", () => {
      const result = fc.record({
        device: fc.constantFrom("a", "b"),
        share: fc.boolean(),
        admin: fc.boolean(),
      });
      const step = fc.record({
        claim: fc.constantFrom("x", "y", "z"),
        results: fc.option(fc.array(result, { maxLength: 3 })),
      });
      fc.assert(
        fc.property(fc.array(step), (steps) => {
          const books = new AllocatedDevices();
          const model = new Map<string, Allocation>();
          for (const { claim, results } of steps) {
            const allocation = results && {
              devices: {
                results: results.map(({ device, share, admin }) => ({
                  ...{ request: "r", driver, pool: "p", device },
                  ...(admin && { adminAccess: true }),
                  ...(share && { shareID: "s", consumedCapacity: { memory: "2" } }),
                })),
              },
            };
            books.set(claim, allocation ?? undefined);
            if (allocation) model.set(claim, allocation);
            else model.delete(claim);
          }
          const all = [...model.values()]
            .flatMap(({ devices }) => devices?.results ?? [])
            .filter(({ adminAccess }) => adminAccess !== true);
          for (const device of ["a", "b"]) {
            const mine = all.filter((one) => one.device === device);
            const key = deviceKey({ driver, pool: "p", device });
            const shares = mine.filter(({ shareID }) => shareID !== undefined).length;
            assert.equal(books.holdsWhole(key), mine.length > shares);
            assert.equal(
              books.consumedOf(key)?.get("memory"),
              shares === 0 ? undefined : BigInt(shares) * 2_000_000_000n,
            );
          }
        }),
      );
    });
  });
});
