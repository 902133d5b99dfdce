import assert from "node:assert/strict";
import fc from "fast-check";
import { silentLog } from "../../../base/os/log.ts";
import type { EndpointSlice, Service } from "../../../client/types.ts";
import { ipFamilies } from "../ip-family.ts";
import type { Ruleset } from "../nft-ruleset.ts";
import { planServices } from "../service-plan.ts";
import { type IpvsKernel, openIpvsKernel } from "./ipvs-kernel.ts";
import { encodeCommand } from "./ipvs-messages.ts";
import {
  type Destination,
  destinationPlace,
  placeOf,
  type ServerTable,
  type VirtualServer,
} from "./ipvs-model.ts";
import { IpvsProxy } from "./ipvs-proxy.ts";
import { mustHaveIpvs } from "./open-ipvs.ts";
import { commandsBetween, idleDestinations, tableAfter } from "./plan-servers.ts";
import { MockIpvs } from "./testing/mock-ipvs.ts";

async function kernelOf(mock: MockIpvs): Promise<IpvsKernel> {
  return (await openIpvsKernel(mock)) ?? assert.fail("no IPVS");
}

const server = { version: 4, protocol: "tcp", address: "10.96.0.1", port: 80 } as const;
const settings = { scheduler: "rr", persistSeconds: 0 };
const server6 = { version: 6, protocol: "udp", address: "fd00:96::1", port: 53 } as const;
const destination = { address: "10.1.0.1", port: 8080, weight: 1 };

describe("IPVS over generic netlink", () => {
  it("is told of a server and of a destination in the bytes of the kernel's header", () => {
    const hex = (bytes: Uint8Array) =>
      Buffer.from(bytes)
        .toString("hex")
        .replaceAll(/(.{8})(?=.)/g, "$1 ")
        .split(" ");
    const envelope = { family: 0x1d, sequence: 5 };
    assert.deepEqual(
      hex(
        encodeCommand(envelope, {
          kind: "addServer",
          server: { ...server, ...settings, persistSeconds: 600 },
        }),
      ),
      [
        ...["68000000", "1d000500", "05000000", "00000000", "01010000"], // length, family, flags, sequence; NEW_SERVICE
        "54000180", // nested SERVICE
        ...["06000100", "02000000"], // AF: AF_INET
        ...["06000200", "06000000"], // PROTOCOL: TCP
        ...["14000300", "0a600001", "00000000", "00000000", "00000000"], // ADDR
        ...["06000400", "00500000"], // PORT, in the network's order
        ...["07000600", "72720000"], // SCHED_NAME: rr
        ...["0c000700", "01000000", "ffffffff"], // FLAGS: persistent, and all said
        ...["08000800", "58020000"], // TIMEOUT
        ...["08000900", "ffffffff"], // NETMASK
      ],
    );
    assert.deepEqual(hex(encodeCommand(envelope, { kind: "addDestination", server, destination })).slice(5), [
      "30000180",
      ...["06000100", "02000000", "06000200", "06000000"],
      ...["14000300", "0a600001", "00000000", "00000000", "00000000", "06000400", "00500000"],
      "48000280", // nested DEST
      ...["14000100", "0a010001", "00000000", "00000000", "00000000"], // ADDR
      ...["06000200", "1f900000"], // PORT
      ...["08000300", "00000000"], // FWD_METHOD: masquerading
      ...["08000400", "01000000"], // WEIGHT
      ...["08000500", "00000000", "08000600", "00000000"], // thresholds
      ...["06000b00", "02000000"], // ADDR_FAMILY
    ]);
  });

  it("lists what it was given, in both families", async () => {
    const kernel = await kernelOf(new MockIpvs());
    const sticky = { ...server6, scheduler: "lc", persistSeconds: 600 };
    const destination6 = { address: "fd00:1::7", port: 5353, weight: 0 };
    const refusals = await kernel.carryOut([
      { kind: "addServer", server: { ...server, ...settings } },
      { kind: "addDestination", server, destination },
      { kind: "addServer", server: sticky },
      { kind: "addDestination", server: server6, destination: destination6 },
    ]);
    assert.deepEqual(refusals, []);
    assert.deepEqual(await kernel.servers(), [{ ...server, ...settings }, sticky]);
    assert.deepEqual(await kernel.destinations(server), [{ ...destination, connections: 0 }]);
    assert.deepEqual(await kernel.destinations(server6), [{ ...destination6, connections: 0 }]);
    assert.deepEqual(await kernel.destinations({ ...server, port: 81 }), []);
  });

  it("sets what is there already, lets what is gone be gone, and says what it refuses", async () => {
    const mock = new MockIpvs();
    const kernel = await kernelOf(mock);
    const whole = { ...server, ...settings };
    await kernel.carryOut([
      { kind: "addServer", server: whole },
      { kind: "addDestination", server, destination },
    ]);
    const changed = { ...whole, scheduler: "lc" };
    assert.deepEqual(
      await kernel.carryOut([
        { kind: "addServer", server: changed },
        { kind: "addDestination", server, destination: { ...destination, weight: 3 } },
        { kind: "removeServer", server: { ...server, port: 81 } },
        { kind: "removeDestination", server, destination: { ...destination, port: 1 } },
      ]),
      [],
    );
    assert.deepEqual(await kernel.servers(), [changed]);
    assert.equal((await kernel.destinations(server))[0]?.weight, 3);
    const bad = [
      { kind: "addServer", server: { ...whole, port: 82, scheduler: "nq" } },
      { kind: "setDestination", server, destination: { ...destination, port: 1 } },
      { kind: "addDestination", server: { ...server, port: 82 }, destination },
    ] as const;
    const refusals = await kernel.carryOut(bad);
    assert.deepEqual(
      refusals.map(({ error }) => error),
      ["ENOENT", "ENOENT", "ESRCH"],
    );
  });

  it("takes more commands than one message's worth, and keeps their order", async () => {
    const kernel = await kernelOf(new MockIpvs());
    const all = Array.from({ length: 200 }, (_, at) => ({ ...destination, port: at + 1 }));
    await kernel.carryOut([
      { kind: "addServer", server: { ...server, ...settings } },
      ...all.map((one) => ({ kind: "addDestination", server, destination: one }) as const),
    ]);
    assert.deepEqual(
      (await kernel.destinations(server)).map(({ port }) => port),
      all.map(({ port }) => port),
    );
  });

  it("is known to be missing, as its scheduler and the link are", async () => {
    const trouble = async (change: (mock: MockIpvs) => void, makeLink = async () => undefined) => {
      const mock = new MockIpvs();
      change(mock);
      return mustHaveIpvs(mock, { scheduler: "lc", makeLink }).then(
        () => {
          assert.equal(mock.services.size, 0, "nothing of the trial is left");
          return "";
        },
        (error: Error) => `${error.name}: ${error.message}`,
      );
    };
    assert.equal(await trouble(() => undefined), "");
    const noLink = async () => Promise.reject(new Error("Unknown device type\nCommand failed"));
    assert.equal(
      await trouble((mock) => {
        mock.hasFamily = false;
      }, noLink),
      "UsageError: --proxy-mode ipvs: this kernel has no IPVS (modprobe ip_vs); a dummy link cannot be made (modprobe dummy): Unknown device type",
    );
    assert.equal(
      await trouble((mock) => {
        mock.schedulers = ["rr"];
      }),
      "UsageError: --proxy-mode ipvs: this kernel's IPVS has no scheduler lc (modprobe ip_vs_lc)",
    );
  });
});

describe("tables of virtual servers", () => {
  const destinations = fc
    .uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 })
    .map(
      (numbers): ReadonlyMap<string, Destination> =>
        new Map(
          numbers
            .map((number) => ({ address: `10.1.0.${number}`, port: 8080, weight: 1 }))
            .map((one) => [destinationPlace(one), one]),
        ),
    );
  const servers = fc
    .uniqueArray(
      fc.record(
        {
          version: fc.constant(4 as const),
          protocol: fc.constantFrom("tcp" as const, "udp" as const),
          address: fc.constantFrom("10.96.0.1", "10.96.0.2"),
          port: fc.constantFrom(80, 81),
          scheduler: fc.constantFrom("rr", "lc"),
          persistSeconds: fc.constantFrom(0, 600),
          destinations,
        },
        { noNullPrototype: true },
      ),
      { selector: placeOf },
    )
    .map((all): ServerTable => new Map(all.map((one: VirtualServer) => [placeOf(one), one])));

  it("become those that are wanted, whatever came and went before, and keep who is connected", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(servers, { maxLength: 5 }), async (steps) => {
        const mock = new MockIpvs();
        const kernel = await kernelOf(mock);
        let held: ServerTable = new Map();
        for (const wanted of steps) {
          const commands = commandsBetween(held, wanted);
          assert.deepEqual(await kernel.carryOut(commands), []);
          held = tableAfter(held, commands);
          const present = new Map<string, string[]>();
          for (const one of await kernel.servers()) {
            assert.deepEqual(
              { ...one, destinations: wanted.get(placeOf(one))?.destinations },
              wanted.get(placeOf(one)),
            );
            const found = await kernel.destinations(one);
            present.set(placeOf(one), found.map((each) => `${destinationPlace(each)} ${each.weight}`).sort());
          }
          const said = (table: ServerTable) =>
            new Map(
              [...table].map(([place, one]) => [
                place,
                [...one.destinations.values()]
                  .map((each) => `${destinationPlace(each)} ${each.weight}`)
                  .sort(),
              ]),
            );
          assert.deepEqual(sorted(present), sorted(said(held)), "what is held is what the kernel has");
          const live = [...said(held)].map(([place, all]) => [
            place,
            all.filter((each) => !each.endsWith(" 0")),
          ]);
          assert.deepEqual(sorted(new Map(live as [string, string[]][])), sorted(said(wanted)));
          assert.deepEqual(commandsBetween(held, wanted), [], "nothing is left to be done");
        }
        for (const one of held.values()) {
          const idle = idleDestinations({ ...one, destinations: new Map() }, await kernel.destinations(one));
          assert.equal(idle.length, one.destinations.size);
        }
      }),
      { numRuns: 60 },
    );
  });

  const sorted = (table: ReadonlyMap<string, readonly string[]>) =>
    [...table].sort(([a], [b]) => (a < b ? -1 : 1));
});

describe("the proxy by IPVS", () => {
  const node = { nodeName: "a", zone: undefined, loopbackPods: false };
  const side = {
    family: ipFamilies[4],
    podCidr: "10.1.0.0/24",
    clusterCidr: "10.1.0.0/16",
    serviceCidr: "10.96.0.0/16",
    dnsAddress: "10.96.0.10",
  };
  const service = (spec: object, status: object = {}): Service =>
    ({
      metadata: { namespace: "ns", name: "web", uid: "web" },
      spec: { clusterIP: "10.96.0.1", ports: [{ port: 80, protocol: "TCP" }], ...spec },
      status,
    }) as unknown as Service;
  const slice = (endpoints: readonly object[], protocol = "TCP"): EndpointSlice =>
    ({
      metadata: { namespace: "ns", name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "", port: 8080, protocol }],
      endpoints,
    }) as unknown as EndpointSlice;
  const here = { addresses: ["10.1.0.1"], nodeName: "a" };
  const there = { addresses: ["10.1.1.1"], nodeName: "b" };

  let mock: MockIpvs;
  let linked: Set<string>;
  let rules: Ruleset | undefined;
  let nodeAddresses: readonly string[];
  let nowMs = 0;
  const open = async () =>
    new IpvsProxy(side, {
      kernel: await kernelOf(mock),
      link: {
        present: async () => new Set(linked),
        add: async (all) => {
          for (const one of all) linked.add(one);
        },
        remove: async (all) => {
          for (const one of all) linked.delete(one);
        },
      },
      applier: {
        apply: async (ruleset) => {
          rules = ruleset;
        },
      },
      flows: { clean: async () => undefined },
      scheduler: "rr",
      nodeAddresses: () => nodeAddresses,
      clock: { monotonicMs: () => nowMs } as never,
      log: silentLog,
    });
  beforeEach(() => {
    mock = new MockIpvs();
    linked = new Set();
    nodeAddresses = ["10.0.0.1", "127.0.0.1", "10.96.0.10", "fd00::1"];
  });
  /** `place -> destination weight, …` of all that the kernel has. */
  const table = () =>
    [...mock.services.values()]
      .map(({ key, destinations }) => {
        const all = [...destinations.values()].map((one) => `${one.key} ${one.weight}`).sort();
        return `${key} -> ${all.join(", ")}`;
      })
      .sort();

  it("makes a server for each place of a Service, each with the endpoints that its policy gives", async () => {
    const web = service(
      {
        type: "LoadBalancer",
        externalTrafficPolicy: "Local",
        externalIPs: ["192.0.2.1"],
        sessionAffinity: "ClientIP",
        ports: [{ port: 80, protocol: "TCP", nodePort: 30_080 }],
      },
      { loadBalancer: { ingress: [{ ip: "203.0.113.9" }] } },
    );
    const proxy = await open();
    assert.deepEqual(await proxy.update(planServices([web], [slice([here, there])], node)), []);
    assert.deepEqual(table(), [
      "10.0.0.1:30080/tcp -> 10.1.0.1:8080 1",
      "10.96.0.1:80/tcp -> 10.1.0.1:8080 1, 10.1.1.1:8080 1",
      "192.0.2.1:80/tcp -> 10.1.0.1:8080 1",
      "203.0.113.9:80/tcp -> 10.1.0.1:8080 1",
    ]);
    const [first] = mock.services.values();
    assert.deepEqual([first?.flags, first?.timeout, first?.scheduler], [1, 10_800, "rr"]);
    assert.deepEqual([...linked].sort(), ["10.96.0.1", "192.0.2.1", "203.0.113.9"]);
    await proxy.update(planServices([], [], node));
    assert.deepEqual([table(), [...linked]], [[], []]);
  });

  it("gives an endpoint that left no new connections, and lets it go once nobody is connected to it", async () => {
    const proxy = await open();
    await proxy.update(planServices([service({})], [slice([here, there])], node));
    const left = mock.services.get("10.96.0.1:80/tcp")?.destinations.get("10.1.1.1:8080");
    assert.ok(left);
    left.active = 1;
    await proxy.update(planServices([service({})], [slice([here])], node));
    const leaving = "10.96.0.1:80/tcp -> 10.1.0.1:8080 1, 10.1.1.1:8080 0";
    assert.deepEqual(table(), [leaving]);
    assert.equal(await proxy.isWhole(), true);
    assert.deepEqual(table(), [leaving], "somebody is connected");
    const kept = mock.services.get("10.96.0.1:80/tcp")?.destinations.get("10.1.1.1:8080");
    assert.ok(kept);
    kept.active = 0;
    assert.equal(await proxy.isWhole(), true);
    assert.deepEqual(table(), ["10.96.0.1:80/tcp -> 10.1.0.1:8080 1"]);
  });

  it("takes one back that was leaving, and forgets one of UDP at once", async () => {
    const proxy = await open();
    await proxy.update(planServices([service({})], [slice([here, there])], node));
    await proxy.update(planServices([service({})], [slice([here])], node));
    await proxy.update(planServices([service({})], [slice([here, there])], node));
    assert.deepEqual(table(), ["10.96.0.1:80/tcp -> 10.1.0.1:8080 1, 10.1.1.1:8080 1"]);
    const udp = service({ ports: [{ port: 53, protocol: "UDP" }] });
    await proxy.update(planServices([udp], [slice([here, there], "UDP")], node));
    await proxy.update(planServices([udp], [slice([there], "UDP")], node));
    assert.deepEqual(table(), ["10.96.0.1:53/udp -> 10.1.1.1:8080 1"]);
  });

  it("begins with what the kernel has: keeps what is wanted, and removes the rest but servers of marks", async () => {
    const kernel = await kernelOf(mock);
    await kernel.carryOut([
      { kind: "addServer", server: { ...server, ...settings } },
      { kind: "addDestination", server, destination: { address: "10.1.0.1", port: 8080, weight: 1 } },
      { kind: "addServer", server: { ...server, ...settings, port: 81 } },
      { kind: "addServer", server: { ...server6, ...settings } },
    ]);
    mock.services.set("mark 5", {
      ...([...mock.services.values()][0] ?? assert.fail()),
      key: "mark 5",
      mark: 5,
    });
    linked = new Set(["10.96.0.1", "10.96.7.7"]);
    mock.asked.length = 0;
    await (await open()).update(planServices([service({})], [slice([here])], node));
    assert.deepEqual(mock.asked, ["delete service 10.96.0.1:81/tcp"]);
    assert.ok(mock.services.has("mark 5"));
    assert.equal(mock.services.size, 3, "the other family's is its own proxy's");
    assert.deepEqual([...linked], ["10.96.0.1"]);
  });

  it("sees what somebody took away, and that the node has another address", async () => {
    const proxy = await open();
    const web = service({ type: "NodePort", ports: [{ port: 80, protocol: "TCP", nodePort: 30_080 }] });
    const plan = planServices([web], [slice([here])], node);
    await proxy.update(plan);
    assert.equal(await proxy.isWhole(), true);
    nodeAddresses = ["10.0.0.2"];
    assert.equal(await proxy.isWhole(), false);
    await proxy.update(plan);
    assert.ok(mock.services.has("10.0.0.2:30080/tcp"));
    assert.ok(!mock.services.has("10.0.0.1:30080/tcp"));
    mock.services.clear();
    assert.equal(await proxy.isWhole(), false);
    await proxy.update(plan);
    assert.equal(mock.services.size, 2);
    nowMs += 3_600_000;
    assert.equal(await proxy.isWhole(), false, "an hour is over");
  });

  it("leaves out what the kernel refuses, says so, and serves the rest", async () => {
    mock.protocols = [6, 17];
    const both = service({
      ports: [
        { name: "a", port: 80, protocol: "TCP" },
        { name: "b", port: 81, protocol: "SCTP" },
      ],
    });
    const endpoints = slice([here]);
    const ports = [
      { name: "a", port: 8080, protocol: "TCP" },
      { name: "b", port: 8081, protocol: "SCTP" },
    ];
    const plan = planServices([both], [{ ...endpoints, ports } as EndpointSlice], node);
    const proxy = await open();
    for (const turn of ["first", "again"]) {
      const problems = await proxy.update(plan);
      assert.deepEqual(
        problems.map(({ message }) => message),
        ["ns/web:b: IPVS refuses to add server 10.96.0.1 sctp 81: EPROTONOSUPPORT; left out"],
        turn,
      );
      assert.deepEqual(table(), ["10.96.0.1:80/tcp -> 10.1.0.1:8080 1"]);
    }
    assert.equal(await proxy.isWhole(), false, "it is tried again");
    mock.protocols = [6, 17, 132];
    assert.deepEqual(await proxy.update(plan), []);
    assert.equal(mock.services.size, 2);
  });

  it("keeps connections of a Service without endpoints, whose new clients are refused by rules", async () => {
    const proxy = await open();
    await proxy.update(planServices([service({})], [slice([here])], node));
    await proxy.update(planServices([service({})], [], node));
    assert.deepEqual(table(), ["10.96.0.1:80/tcp -> 10.1.0.1:8080 0"]);
    assert.deepEqual(
      rules?.maps["no-endpoints"]?.elements.map(({ key, value }) => `${key.text} : ${value.text}`),
      ["10.96.0.1 . tcp . 80 : goto refuse"],
    );
  });
});
