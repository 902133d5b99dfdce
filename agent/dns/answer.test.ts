import assert from "node:assert/strict";
import fc from "fast-check";
import { answer } from "./answer.ts";
import { ask, exampleZone, https, service, slice, zoneOf, zoneOptions } from "./testing/test-zone.ts";
import { recordTypes } from "./types.ts";
import type { ServiceZone } from "./zone.ts";

const authority = "authority cluster.local 5 IN SOA ns.dns.cluster.local hostmaster.cluster.local";
const nothing = ["NXDOMAIN", authority];

describe("answers of the cluster's DNS", () => {
  const zone = exampleZone();
  const rows = (
    title: string,
    table: readonly (readonly [string, string, keyof typeof recordTypes, readonly string[]])[],
  ) =>
    describe(title, () => {
      for (const [what, name, type, expected] of table)
        it(what, () => assert.deepEqual(ask(zone, name, type), expected));
    });

  rows("2.2 schema version", [
    [
      "names the version of the schema",
      "dns-version.cluster.local",
      "TXT",
      ["dns-version.cluster.local 5 IN TXT 1.1.0"],
    ],
    ["has nothing below it", "a.dns-version.cluster.local", "TXT", nothing],
  ]);

  const kubernetes = "kubernetes.default.svc.cluster.local";
  rows("2.3 Services with an address", [
    ["2.3.1 gives the address", kubernetes, "A", [`${kubernetes} 5 IN A 10.96.0.1`]],
    ["2.3.1 gives no address of a family it has not: no data, not no name", kubernetes, "AAAA", [authority]],
    [
      "2.3.1 gives both families' addresses",
      "both.default.svc.cluster.local",
      "AAAA",
      ["both.default.svc.cluster.local 5 IN AAAA fd00::9"],
    ],
    [
      "2.3.2 gives the location of a named port, with its host's address",
      `_https._tcp.${kubernetes}`,
      "SRV",
      [
        `_https._tcp.${kubernetes} 5 IN SRV 0 100 443 ${kubernetes}`,
        `additional ${kubernetes} 5 IN A 10.96.0.1`,
      ],
    ],
    ["2.3.2 knows a port only with its protocol", `_https._udp.${kubernetes}`, "SRV", nothing],
    ["2.3.2 has no location of a port without a name", `_._tcp.${kubernetes}`, "SRV", nothing],
    ["2.3.2 has a name above that of a port, without data", `_tcp.${kubernetes}`, "SRV", [authority]],
    ["2.3.2 has none for a protocol without ports", `_udp.${kubernetes}`, "SRV", nothing],
    [
      "2.3.3 leads back from the address",
      "1.0.96.10.in-addr.arpa",
      "PTR",
      [`1.0.96.10.in-addr.arpa 5 IN PTR ${kubernetes}`],
    ],
    ["has no name for a Service that has no address yet", "pending.other.svc.cluster.local", "A", nothing],
  ]);

  const headless = "headless.default.svc.cluster.local";
  rows("2.4 headless Services", [
    [
      "2.4.1 gives the addresses of the ready endpoints",
      headless,
      "A",
      ["100", "101", "102"].map((one) => `${headless} 5 IN A 10.244.0.${one}`),
    ],
    ["2.4.1 has no such name while nobody is ready", "nobody.default.svc.cluster.local", "A", nothing],
    [
      "2.4.1 gives an endpoint by its host name",
      `my-pet.${headless}`,
      "A",
      [`my-pet.${headless} 5 IN A 10.244.0.100`],
    ],
    [
      "2.4.1 gives one without a host name by its address",
      `10-244-0-102.${headless}`,
      "A",
      [`10-244-0-102.${headless} 5 IN A 10.244.0.102`],
    ],
    ["2.4.1 gives none that is not ready", `tired.${headless}`, "A", nothing],
    [
      "2.4.1 gives both families' addresses of one host name",
      "a.six.default.svc.cluster.local",
      "AAAA",
      ["a.six.default.svc.cluster.local 5 IN AAAA 2001:db8::1"],
    ],
    [
      "2.4.2 gives the location of each endpoint: its own port",
      `_https._tcp.${headless}`,
      "SRV",
      [
        ...["my-pet", "my-pet-2", "10-244-0-102"].map(
          (host) => `_https._tcp.${headless} 5 IN SRV 0 33 8443 ${host}.${headless}`,
        ),
        ...[
          "my-pet 5 IN A 10.244.0.100",
          "my-pet-2 5 IN A 10.244.0.101",
          "10-244-0-102 5 IN A 10.244.0.102",
        ].map((text) => `additional ${text.replace(" ", `.${headless} `)}`),
      ],
    ],
    ["2.4.2 knows only ports that endpoints have", `_other._udp.${headless}`, "SRV", nothing],
    [
      "2.4.3 leads back to the host name",
      "100.0.244.10.in-addr.arpa",
      "PTR",
      [`100.0.244.10.in-addr.arpa 5 IN PTR my-pet.${headless}`],
    ],
    [
      "2.4.3 leads back in IPv6 too",
      "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
      "PTR",
      [
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa 5 IN PTR a.six.default.svc.cluster.local",
      ],
    ],
  ]);

  rows("2.5 external names", [
    [
      "are aliases, whose target others know",
      "foo.default.svc.cluster.local",
      "A",
      ["foo.default.svc.cluster.local 5 IN CNAME www.example.com", "then www.example.com"],
    ],
    [
      "are told as aliases",
      "foo.default.svc.cluster.local",
      "CNAME",
      ["foo.default.svc.cluster.local 5 IN CNAME www.example.com"],
    ],
    [
      "are followed where the target is the cluster's",
      "near.default.svc.cluster.local",
      "A",
      [`near.default.svc.cluster.local 5 IN CNAME ${kubernetes}`, `${kubernetes} 5 IN A 10.96.0.1`],
    ],
    [
      "say that there is no such name where the target has none",
      "far.default.svc.cluster.local",
      "A",
      ["NXDOMAIN", "far.default.svc.cluster.local 5 IN CNAME absent.default.svc.cluster.local", authority],
    ],
    [
      "that lead to each other come to an end",
      "loop.default.svc.cluster.local",
      "A",
      [
        "loop.default.svc.cluster.local 5 IN CNAME pool.default.svc.cluster.local",
        "pool.default.svc.cluster.local 5 IN CNAME loop.default.svc.cluster.local",
      ],
    ],
    ["that are addresses lead nowhere", "number.default.svc.cluster.local", "A", [authority]],
  ]);

  rows("2.6 pods by their address", [
    [
      "gives the address itself",
      "10-1-2-3.default.pod.cluster.local",
      "A",
      ["10-1-2-3.default.pod.cluster.local 5 IN A 10.1.2.3"],
    ],
    [
      "gives an IPv6 one",
      "2001-db8--1.default.pod.cluster.local",
      "AAAA",
      ["2001-db8--1.default.pod.cluster.local 5 IN AAAA 2001:db8::1"],
    ],
    ["has no name that is no address", "10-1-2-300.default.pod.cluster.local", "A", nothing],
    ["has nothing below an address", "a.10-1-2-3.default.pod.cluster.local", "A", nothing],
  ]);

  rows("the tree above them", [
    [
      "has an authority",
      "cluster.local",
      "SOA",
      ["cluster.local 5 IN SOA ns.dns.cluster.local hostmaster.cluster.local"],
    ],
    ["names its server", "cluster.local", "NS", ["cluster.local 5 IN NS ns.dns.cluster.local"]],
    ["tells where that is", "ns.dns.cluster.local", "A", ["ns.dns.cluster.local 5 IN A 10.96.0.10"]],
    ["has names without data: svc", "svc.cluster.local", "A", [authority]],
    ["has names without data: pod", "default.pod.cluster.local", "A", [authority]],
    ["has names without data: a namespace with Services", "default.svc.cluster.local", "A", [authority]],
    ["has no others", "nowhere.svc.cluster.local", "A", nothing],
    ["has no others at the top", "a.cluster.local", "A", nothing],
    [
      "compares names without regard to case",
      "KUBERNETES.Default.SVC.cluster.LOCAL",
      "A",
      [`${kubernetes} 5 IN A 10.96.0.1`],
    ],
    [
      "answers a question for everything with next to nothing",
      kubernetes,
      "ANY",
      [`${kubernetes} 5 IN HINFO RFC8482`],
    ],
    ["is not handed over", "cluster.local", "AXFR", ["REFUSED"]],
  ]);

  rows("whose question it is", [
    ["others are asked for other names", "example.com", "A", ["elsewhere"]],
    ["a name that only ends alike is another", "cluster-local", "A", ["elsewhere"]],
    [
      "an address of the cluster without a name is nobody's",
      "9.9.244.10.in-addr.arpa",
      "PTR",
      ["NXDOMAIN", authority.replace("cluster.local 5", "in-addr.arpa 5")],
    ],
    ["others are asked for other addresses", "8.8.8.8.in-addr.arpa", "PTR", ["elsewhere"]],
  ]);

  it("a label that holds a dot is not two labels", () => {
    const labels = ["kubernetes.default", "svc", "cluster", "local"];
    const given = answer(zone, { labels, type: recordTypes.A, class: 1 }, zoneOptions);
    assert.ok(given.kind === "here" && given.rcode === 3);
    const outside = answer(
      zone,
      { labels: ["a", "cluster.local"], type: recordTypes.A, class: 1 },
      zoneOptions,
    );
    assert.equal(outside.kind, "elsewhere");
  });

  it("a pod under a Service with an address is found by the host name it asked for", () => {
    const own = zoneOf([
      service("ns", "house", { clusterIP: "10.96.0.7", ports: [https] }),
      slice([{ addresses: ["10.244.0.5"], hostname: "m1" }, { addresses: ["10.244.0.6"] }]),
    ]);
    assert.deepEqual(ask(own, "m1.house.ns.svc.cluster.local", "A"), [
      "m1.house.ns.svc.cluster.local 5 IN A 10.244.0.5",
    ]);
    assert.deepEqual(ask(own, "5.0.244.10.in-addr.arpa", "PTR"), [
      "5.0.244.10.in-addr.arpa 5 IN PTR m1.house.ns.svc.cluster.local",
    ]);
    assert.equal(ask(own, "6.0.244.10.in-addr.arpa", "PTR")[0], "NXDOMAIN");
  });

  it("an address leads back to every headless Service it stands behind, and to none that is gone", () => {
    const endpoint = slice([{ addresses: ["10.244.0.5"], hostname: "p" }]);
    const own = zoneOf(
      [service("ns", "a", { clusterIP: "None" }), endpoint],
      [service("ns", "b", { clusterIP: "None" }), endpoint],
    );
    const name = "5.0.244.10.in-addr.arpa";
    assert.deepEqual(ask(own, name, "PTR"), [
      `${name} 5 IN PTR p.a.ns.svc.cluster.local`,
      `${name} 5 IN PTR p.b.ns.svc.cluster.local`,
    ]);
    own.set("ns", "a", undefined);
    assert.deepEqual(ask(own, name, "PTR"), [`${name} 5 IN PTR p.b.ns.svc.cluster.local`]);
    own.set("ns", "b", undefined);
    assert.equal(ask(own, name, "PTR")[0], "NXDOMAIN");
    assert.equal(ask(own, "ns.svc.cluster.local", "A")[0], "NXDOMAIN");
  });

  it("a Service's address leads back to that Service alone, whoever else names it as an endpoint", () => {
    const own = zoneOf(
      [service("ns", "thief", { clusterIP: "None" }), slice([{ addresses: ["10.96.0.7"], hostname: "p" }])],
      [service("ns", "owner", { clusterIP: "10.96.0.7" })],
    );
    const name = "7.0.96.10.in-addr.arpa";
    assert.deepEqual(ask(own, name, "PTR"), [`${name} 5 IN PTR owner.ns.svc.cluster.local`]);
  });

  it("leaves out what cannot be written: names and ports that the API would have refused", () => {
    const own = zoneOf(
      [service("ns", "x".repeat(64), { clusterIP: "10.96.0.7" })],
      [service("ns", "b", { type: "ExternalName", externalName: `${"y".repeat(64)}.com` })],
      [service("ns", "c", { clusterIP: "10.96.0.8\nnameserver" })],
      [
        service("ns", "d", { clusterIP: "None" }),
        slice([{ addresses: ["1.2.3.4"], hostname: "ä.b" }], [{ name: "p", port: 70_000 }]),
      ],
    );
    assert.equal(ask(own, "b.ns.svc.cluster.local", "A")[0], "NXDOMAIN");
    assert.equal(ask(own, "c.ns.svc.cluster.local", "A")[0], "NXDOMAIN");
    assert.deepEqual(ask(own, "1-2-3-4.d.ns.svc.cluster.local", "A"), [
      "1-2-3-4.d.ns.svc.cluster.local 5 IN A 1.2.3.4",
    ]);
    assert.deepEqual(ask(own, "d.ns.svc.cluster.local", "SRV"), [authority]);
  });
});

describe("properties of the cluster's DNS", () => {
  const word = fc.constantFrom(
    "default",
    "kubernetes",
    "headless",
    "svc",
    "pod",
    "dns",
    "ns",
    "_tcp",
    "_https",
    "my-pet",
    "loop",
    "foo",
    "cluster",
    "local",
    "10-1-2-3",
    "a",
    "b.c",
    "",
  );
  const labels = fc.array(word, { maxLength: 6 }).map((list) => [...list, "cluster", "local"]);
  const type = fc.constantFrom(...Object.values(recordTypes), 64, 65_535);
  const zone: ServiceZone = exampleZone();

  it("whatever is asked, the answer is about what was asked: every record's name is the question's or is led to", () => {
    fc.assert(
      fc.property(labels, type, (asked, kind) => {
        const given = answer(zone, { labels: asked, type: kind, class: 1 }, zoneOptions);
        assert.equal(given.kind, "here");
        if (given.kind !== "here") return;
        const reached = new Set([asked.join(".")]);
        for (const record of given.answers) {
          assert.ok(reached.has(record.name));
          if (record.type === "CNAME") reached.add(record.data);
        }
        // Who hears of nothing hears for how long; who hears of something hears nothing of that.
        const isEmpty =
          given.answers.every((record) => record.type === "CNAME") && given.elsewhere === undefined;
        if (given.authorities.length > 0) assert.ok(isEmpty || kind === recordTypes.CNAME);
        if (given.rcode === 3) assert.equal(given.authorities.length, 1);
      }),
    );
  });

  it("a name that has something below it is no name that is missing", () => {
    fc.assert(
      fc.property(labels, type, (asked, kind) => {
        const given = answer(zone, { labels: asked, type: kind, class: 1 }, zoneOptions);
        if (given.kind !== "here" || given.rcode !== 0) return;
        for (let cut = 1; asked.length - cut >= 2; cut++) {
          const above = answer(
            zone,
            { labels: asked.slice(cut), type: recordTypes.TXT, class: 1 },
            zoneOptions,
          );
          assert.ok(above.kind === "here" && above.rcode !== 3, asked.slice(cut).join("."));
        }
      }),
    );
  });
});
