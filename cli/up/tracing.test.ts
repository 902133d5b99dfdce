import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { clusterLayout } from "./layout.ts";
import { components, portNames } from "./topology.ts";
import { prepareTracing, tracingPlan } from "./tracing.ts";

describe("the traces of a cluster of one's own", () => {
  let folder: string;
  let collector: Server;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-tracing-"));
    collector = createServer((socket) => socket.end("heard"));
    await once(collector.listen(0, "127.0.0.1"), "listening");
  });
  afterEach(async () => {
    collector.close();
    await rm(folder, { recursive: true });
  });
  const planned = (endpoint: string, rate = 5) =>
    tracingPlan(
      { "tracing-endpoint": endpoint, "tracing-sampling-rate": rate },
      new Set(["tracing-endpoint"]),
    );
  const read = async (name: string) => JSON.parse(await readFile(join(folder, name), "utf8"));

  it("are as before where nothing is said, end where the endpoint is none, and are refused where it is wrong", async () => {
    const nothing = { "tracing-endpoint": undefined, "tracing-sampling-rate": 1 };
    assert.equal(await tracingPlan(nothing, new Set()), undefined);
    assert.equal(await planned(""), "off");
    await assert.rejects(
      tracingPlan(nothing, new Set(["tracing-sampling-rate"])),
      /needs --tracing-endpoint/,
    );
    await assert.rejects(planned("ftp://a"), /endpoint: "ftp:\/\/a" is none of/);
    await assert.rejects(planned("a:1", -1), /samplingRatePerMillion: -1 is not from 0/);
  });

  it("go where API servers, schedulers and nodes read it, and nobody reads anything without", () => {
    const size = { replicas: 3, nodes: 1 };
    const ports = Object.fromEntries(portNames(size).map((name, at) => [name, 1000 + at]));
    const words = (more: object) =>
      components(
        { ...size, runtime: "oci", networkSlot: 0, ports, ...more },
        clusterLayout("/cluster"),
      ).flatMap(({ kind, argv }) =>
        argv.filter((word) => word.includes("tracing")).map((word) => `${kind} ${word}`),
      );
    assert.deepEqual(words({}), []);
    assert.deepEqual(words({ tracing: "off" }), []);
    const here = "--tracing-config-file=/cluster/tracing.yaml";
    assert.deepEqual(
      new Set(words({ tracing: { endpoint: "a:1", samplingRatePerMillion: 1 } })),
      new Set([
        ...[1, 2, 3].map((n) => `store --distributed-tracing-instance-id=store-${n}`),
        "store --enable-distributed-tracing",
        "store --distributed-tracing-address=a:1",
        `apiserver ${here}`,
        `scheduler ${here}`,
        "agent --tracing-config-file=/cluster/tracing-nodes.yaml",
      ]),
    );
  });

  it("reach a collector on this machine's loopback from nodes that have one of their own", async () => {
    const { port } = collector.address() as AddressInfo;
    for (const endpoint of [`http://localhost:${port}/v1/traces`, `127.0.0.1:${port}`]) {
      const tracing = await planned(endpoint);
      const relay = await prepareTracing({ ...(tracing && { tracing }) }, { folder }, "127.0.0.2");
      assert.equal((await read("tracing.yaml")).endpoint, endpoint);
      const nodes = await read("tracing-nodes.yaml");
      assert.equal(nodes.samplingRatePerMillion, 5);
      const [, relayed] = /127\.0\.0\.2:(\d+)/.exec(nodes.endpoint) ?? [];
      assert.equal(
        nodes.endpoint.replace(`127.0.0.2:${relayed}`, ""),
        endpoint.replace(/(localhost|127\.0\.0\.1):\d+/, ""),
      );
      assert.equal(await text(connect({ host: "127.0.0.2", port: Number(relayed) })), "heard");
      relay.close();
    }
    const elsewhere = await planned("https://collector.example:4318");
    (await prepareTracing({ ...(elsewhere && { tracing: elsewhere }) }, { folder }, "127.0.0.2")).close();
    assert.equal((await read("tracing-nodes.yaml")).endpoint, "https://collector.example:4318");
  });
});
