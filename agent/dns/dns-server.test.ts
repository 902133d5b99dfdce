import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { decode, encode } from "dns-packet";
import { systemClock } from "../../base/os/clock.ts";
import { freePorts } from "../../base/os/free-ports.ts";
import { createLog } from "../../base/os/log.ts";
import { systemRandom } from "../../base/os/random.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { DnsServer, dnsServerLimits } from "./dns-server.ts";
import { askByTcp, askByUdp, withLength } from "./exchange.ts";
import { Forwarder, forwarderLimits } from "./forwarder.ts";
import { isTruncated, queryBytesMax, rcodeOf } from "./message.ts";
import { Resolver } from "./resolver.ts";
import type { AskedServers } from "./server-order.ts";
import { exampleZone, zoneOptions } from "./testing/test-zone.ts";

const log = createLog({ write: () => undefined });
const anything = () => true;

interface Question {
  readonly name: string;
  readonly type?: "A" | "TXT";
}
const query = ({ name, type = "A" }: Question) =>
  encode({ type: "query", id: 3, flags: 256, questions: [{ name, type, class: "IN" }] });

/** Servers of a test, which ends them. */
class Servers {
  readonly #stops: (() => void)[] = [];

  /** One that answers by this function. */
  async answering(
    respond: (message: Buffer, protocol: "udp" | "tcp") => Promise<Buffer | undefined>,
    mayAsk = (_: string) => true,
  ) {
    // UDP and TCP share it.
    const [free = 0] = await freePorts(1);
    const server = new DnsServer({
      address: "127.0.0.1",
      port: free,
      mayAsk,
      respond: (message, { protocol }) => respond(message, protocol),
      clock: systemClock,
      log,
    });
    this.#stops.push(() => server.stop());
    const port = await server.start();
    assert.ok(port !== undefined);
    return port;
  }

  /** The cluster's, whose other names are at these servers, at that port. */
  async cluster(servers: readonly string[], port: number, { isZoneRead = true } = {}) {
    const forwarder = new Forwarder({
      clock: systemClock,
      random: systemRandom,
      onSilence: () => undefined,
      servers: async () => ({ places: servers.map((address) => ({ address, port })), inTurn: false }),
    });
    const resolver = new Resolver({
      zone: exampleZone(),
      isZoneRead: () => isZoneRead,
      options: zoneOptions,
      forwarder,
      random: systemRandom,
    });
    return this.answering((message, protocol) =>
      resolver.respond(message, { protocol, client: "127.0.0.1" }),
    );
  }

  stop() {
    for (const stop of this.#stops.splice(0)) stop();
  }
}

const hangMs = 60_000;
const ask = (port: number, question: Question, protocol: "udp" | "tcp" = "udp") =>
  (protocol === "udp" ? askByUdp : askByTcp)(
    { message: query(question), server: "127.0.0.1", port, timeoutMs: hangMs, isAnswer: anything },
    systemClock,
  );
const data = (response: Buffer) =>
  (decode(response).answers ?? []).map((one) => ("data" in one ? String(one.data) : ""));

/** Answers with one record, or as told. */
const upstream =
  (record: string, rcode = 0) =>
  async (message: Buffer) => {
    const { id, questions } = decode(message);
    const name = questions?.[0]?.name ?? "";
    const answers = rcode === 0 ? [{ type: "A", name, data: record, ttl: 9 } as const] : [];
    return encode({ type: "response", id: id ?? 0, flags: 128 | rcode, questions: questions ?? [], answers });
  };

describe("the node's DNS server", () => {
  const servers = new Servers();
  afterEach(() => servers.stop());
  const kubernetes = { name: "kubernetes.default.svc.cluster.local" };

  for (const protocol of ["udp", "tcp"] as const) {
    it(`answers the cluster's names over ${protocol}`, async () => {
      const port = await servers.cluster([], 1);
      assert.deepEqual(data(await ask(port, kubernetes, protocol)), ["10.96.0.1"]);
    });

    it(`asks the node's resolvers for others, over ${protocol} as it was asked`, async () => {
      const seen: string[] = [];
      const theirs = await servers.answering((message, by) => {
        seen.push(by);
        return upstream("192.0.2.1")(message);
      });
      const port = await servers.cluster(["127.0.0.1"], theirs);
      const response = await ask(port, { name: "example.com" }, protocol);
      assert.deepEqual(data(response), ["192.0.2.1"]);
      assert.equal(decode(response).id, 3);
      assert.deepEqual(seen, [protocol]);
    });
  }

  it("takes several questions over one connection, however they are cut into pieces", async () => {
    const port = await servers.cluster([], 1);
    const socket = connect({ host: "127.0.0.1", port });
    const bytes = Buffer.concat([1, 2, 3].map(() => withLength(query(kubernetes))));
    for (const byte of bytes) socket.write(Buffer.from([byte]));
    let received = Buffer.alloc(0);
    const wanted = 3 * (2 + (await ask(port, kubernetes)).length);
    while (received.length < wanted) received = Buffer.concat([received, ...(await once(socket, "data"))]);
    assert.equal(received.length, wanted);
    socket.destroy();
  });

  it("closes a connection that announces a question longer than any", async () => {
    const port = await servers.cluster([], 1);
    const socket = connect({ host: "127.0.0.1", port });
    const length = Buffer.alloc(2);
    length.writeUInt16BE(queryBytesMax + 1);
    socket.write(length);
    await once(socket.resume(), "close");
  });

  it("says nothing to those who may not ask", async () => {
    const may = [false, true, false];
    const port = await servers.answering(upstream("192.0.2.1"), () => may.shift() ?? false);
    const socket = createSocket("udp4");
    socket.connect(port, "127.0.0.1");
    await once(socket, "connect");
    for (const id of [1, 2]) {
      const message = query(kubernetes);
      message.writeUInt16BE(id, 0);
      socket.send(message);
    }
    const [response] = (await once(socket, "message")) as [Buffer];
    assert.equal(decode(response).id, 2);
    socket.close();
    await assert.rejects(ask(port, kubernetes, "tcp"), /closed the connection|ECONNRESET|EPIPE/);
    assert.equal(may.length, 0);
  });

  it("bounds the connections of one client", async () => {
    const port = await servers.cluster([], 1);
    const sockets = Array.from({ length: dnsServerLimits.connectionsOfOneMax }, () =>
      connect({ host: "127.0.0.1", port }),
    );
    for (const socket of sockets) {
      socket.write(withLength(query(kubernetes)));
      await once(socket, "data");
    }
    await assert.rejects(ask(port, kubernetes, "tcp"));
    for (const socket of sockets) socket.destroy();
  });

  it("says that it cannot tell while it has not read the zone, and asks others all the same", async () => {
    const theirs = await servers.answering(upstream("192.0.2.1"));
    const port = await servers.cluster(["127.0.0.1"], theirs, { isZoneRead: false });
    assert.equal(rcodeOf(await ask(port, kubernetes)), 2);
    assert.deepEqual(data(await ask(port, { name: "example.com" })), ["192.0.2.1"]);
  });

  it("adds the addresses of an alias' target that others know", async () => {
    const theirs = await servers.answering(upstream("192.0.2.53"));
    const port = await servers.cluster(["127.0.0.1"], theirs);
    assert.deepEqual(data(await ask(port, { name: "foo.default.svc.cluster.local" })), [
      "www.example.com",
      "192.0.2.53",
    ]);
  });

  it("goes on to the next resolver where one does not listen or cannot tell", async () => {
    const unable = await servers.answering(upstream("", 2));
    const able = await servers.answering(upstream("192.0.2.1"));
    // The port is the same for all: what answers tells them apart.
    const turns = [unable, able];
    const switching = await servers.answering((message) =>
      askByUdp(
        { message, server: "127.0.0.1", port: turns.shift() ?? able, timeoutMs: hangMs, isAnswer: anything },
        systemClock,
      ),
    );
    const port = await servers.cluster(["127.0.0.99", "127.0.0.1", "127.0.0.1"], switching);
    assert.deepEqual(data(await ask(port, { name: "example.com" })), ["192.0.2.1"]);
  });

  it("asks who did not answer last, so that one question alone waits for it", async () => {
    const heard: string[] = [];
    const able = await servers.answering(async (message, protocol) => {
      heard.push(protocol);
      return upstream("192.0.2.1")(message);
    });
    const silent = await servers.answering(async () => {
      heard.push("silent");
      return undefined;
    });
    const at = (port: number) => ({ address: "127.0.0.1", port });
    const clock = new ManualClock();
    const forwarder = new Forwarder({
      // Time that stands still but for what the test says; the exchange waits by it.
      clock,
      random: systemRandom,
      onSilence: () => undefined,
      servers: async () => ({ places: [at(silent), at(able)], inTurn: false }),
    });
    const resolver = new Resolver({
      zone: exampleZone(),
      isZoneRead: () => true,
      options: zoneOptions,
      forwarder,
      random: systemRandom,
    });
    const asker = { protocol: "udp", client: "127.0.0.1" } as const;
    const first = resolver.respond(query({ name: "example.com" }), asker);
    while (heard.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(forwarderLimits.attemptMs);
    assert.deepEqual(data((await first) ?? Buffer.alloc(0)), ["192.0.2.1"]);
    await resolver.respond(query({ name: "example.org" }), asker);
    assert.deepEqual(heard, ["silent", "udp", "udp"]);
  });

  it("keeps what others say as long as it holds, for whoever asks by whatever protocol", async () => {
    let asked = 0;
    const theirs = await servers.answering((message) => {
      asked++;
      return upstream("192.0.2.1")(message);
    });
    const clock = new ManualClock();
    const forwarder = new Forwarder({
      clock,
      random: systemRandom,
      onSilence: () => undefined,
      servers: async () => ({ places: [{ address: "127.0.0.1", port: theirs }], inTurn: false }),
    });
    const resolver = new Resolver({
      zone: exampleZone(),
      isZoneRead: () => true,
      options: zoneOptions,
      forwarder,
      random: systemRandom,
    });
    const ttlFrom = async (client: string, protocol: "udp" | "tcp", name = "example.com") => {
      const response = await resolver.respond(query({ name }), { protocol, client });
      const [record] = decode(response ?? Buffer.alloc(0)).answers ?? [];
      return record !== undefined && "ttl" in record ? record.ttl : undefined;
    };
    assert.equal(await ttlFrom("10.0.0.1", "udp"), 9);
    await clock.advance(4_000);
    assert.equal(await ttlFrom("10.0.0.2", "tcp", "EXAMPLE.com"), 5);
    assert.equal(asked, 1);
    await clock.advance(5_000);
    assert.equal(await ttlFrom("10.0.0.1", "udp"), 9);
    assert.equal(asked, 2);
  });

  it("fails where no resolver answers, and passes a resolver's failure on", async () => {
    const port = await servers.cluster(["127.0.0.99"], 1);
    assert.equal(rcodeOf(await ask(port, { name: "example.com" })), 2);
    const none = await servers.cluster([], 1);
    assert.equal(rcodeOf(await ask(none, { name: "example.com" })), 2);
    assert.equal(rcodeOf(await ask(none, { name: "foo.default.svc.cluster.local" })), 2);
    const refusing = await servers.answering(upstream("", 5));
    assert.equal(
      rcodeOf(await ask(await servers.cluster(["127.0.0.1"], refusing), { name: "example.com" })),
      5,
    );
  });

  it("does not ask again at once for what nobody answered", async () => {
    let asked = 0;
    let told = 0;
    const forwarder = new Forwarder({
      clock: systemClock,
      random: systemRandom,
      onSilence: () => {
        told++;
      },
      servers: async () => {
        asked++;
        return { places: [], inTurn: false };
      },
    });
    const resolver = new Resolver({
      zone: exampleZone(),
      isZoneRead: () => true,
      options: zoneOptions,
      forwarder,
      random: systemRandom,
    });
    const asker = { protocol: "udp", client: "127.0.0.1" } as const;
    await resolver.respond(query({ name: "example.com" }), asker);
    await resolver.respond(query({ name: "EXAMPLE.com" }), asker);
    assert.equal(asked, 1);
    await resolver.respond(query({ name: "example.org" }), asker);
    assert.deepEqual([asked, told], [2, 1]);
  });

  it("bounds what waits for other resolvers: one client leaves room for another", async () => {
    const held: ((servers: AskedServers) => void)[] = [];
    const forwarder = new Forwarder({
      clock: systemClock,
      random: systemRandom,
      onSilence: () => undefined,
      servers: () => new Promise((resolve) => held.push(resolve)),
    });
    const resolver = new Resolver({
      zone: exampleZone(),
      isZoneRead: () => true,
      options: zoneOptions,
      forwarder,
      random: systemRandom,
    });
    const from = (client: string, name: string) =>
      resolver.respond(query({ name }), { protocol: "udp", client });
    const waiting = Array.from({ length: forwarderLimits.waitingOfOneMax }, (_, i) =>
      from("10.0.0.1", `a${i}.com`),
    );
    const refused = await from("10.0.0.1", "one-more.com");
    assert.ok(refused !== undefined && rcodeOf(refused) === 2);
    const other = from("10.0.0.2", "b.com");
    assert.equal(held.length, forwarderLimits.waitingOfOneMax + 1);
    for (const resolve of held) resolve({ places: [], inTurn: false });
    await Promise.all([...waiting, other]);
  });

  it("tells a client over UDP when another server's answer is too long for it", async () => {
    const theirs = await servers.answering(async (message) => {
      const { id, questions } = decode(message);
      const answers = Array.from(
        { length: 60 },
        (_, i) => ({ type: "A", name: "example.com", data: `192.0.2.${i}` }) as const,
      );
      return encode({ type: "response", id: id ?? 0, questions: questions ?? [], answers });
    });
    const port = await servers.cluster(["127.0.0.1"], theirs);
    const cut = await ask(port, { name: "example.com" });
    assert.ok(isTruncated(cut) && cut.length <= 512);
    assert.equal(data(await ask(port, { name: "example.com" }, "tcp")).length, 60);
  });

  it("stands by where somebody else has the port, and takes over", async () => {
    const first = await servers.answering(upstream("192.0.2.1"));
    let retry: (() => void) | undefined;
    const clock = {
      ...systemClock,
      after: (_: number, fire: () => void) => {
        retry = fire;
        return () => undefined;
      },
    };
    const second = new DnsServer({
      address: "127.0.0.1",
      port: first,
      mayAsk: anything,
      respond: upstream("192.0.2.2"),
      clock,
      log,
    });
    assert.equal(await second.start(), undefined);
    servers.stop();
    // A socket's port is free as soon as it is closed; closing takes a turn.
    while ((await second.start()) === undefined) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(retry !== undefined);
    assert.deepEqual(data(await ask(first, kubernetes)), ["192.0.2.2"]);
    second.stop();
  });
});
