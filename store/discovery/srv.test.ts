import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { discoverBySrv } from "./srv.ts";

describe("members that a DNS domain names", () => {
  const query = {
    domain: "example.org",
    serviceSuffix: "",
    name: "b",
    peerUrls: ["http://10.0.0.2:2380"],
  };
  const addresses: Readonly<Record<string, string>> = {
    "a.example.org": "10.0.0.1",
    "b.example.org": "10.0.0.2",
  };
  const lookup = (records: Readonly<Record<string, readonly { name: string; port: number }[]>>) => ({
    srv: async (service: string) => {
      const found = records[service];
      if (found === undefined) throw new Error(`${service} not found`);
      return found;
    },
    addressOf: async (host: string) => addresses[host] ?? host,
  });
  const found = (records: Parameters<typeof lookup>[0], more: Partial<typeof query> = {}) =>
    discoverBySrv({ ...query, ...more }, { lookup: lookup(records), log: silentLog });
  const [a, b] = [
    { name: "a.example.org.", port: 2380 },
    { name: "b.example.org.", port: 2380 },
  ];

  it("are those of both services, this one by its own name", async () => {
    const records = { "_etcd-server-ssl._tcp.example.org": [a], "_etcd-server._tcp.example.org": [b] };
    assert.deepEqual(await found(records), ["0=https://a.example.org:2380", "b=http://b.example.org:2380"]);
  });

  it("are looked up with the suffix of their services", async () => {
    const records = { "_etcd-server-x._tcp.example.org": [a, b] };
    assert.deepEqual(await found(records, { serviceSuffix: "-x" }), [
      "0=http://a.example.org:2380",
      "b=http://b.example.org:2380",
    ]);
  });

  it("must be some, this one among them, by the scheme of its peer URL", async () => {
    await assert.rejects(found({}), /^DiscoveryError: error querying DNS SRV records for _etcd-server-ssl: /);
    await assert.rejects(
      found({ "_etcd-server._tcp.example.org": [a] }),
      /cannot find local etcd member "b" in SRV records/,
    );
    await assert.rejects(
      found({ "_etcd-server-ssl._tcp.example.org": [b] }),
      /bootstrap at https:\/\/b\.example\.org:2380 from DNS for etcd-server-ssl has scheme mismatch with expected peer http:\/\/10/,
    );
  });
});
