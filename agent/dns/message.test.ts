import assert from "node:assert/strict";
import { decode, encode, type OptAnswer, type Packet } from "dns-packet";
import fc from "fast-check";
import { systemRandom } from "../../base/os/random.ts";
import { answer } from "./answer.ts";
import { AnswerCache } from "./answer-cache.ts";
import {
  addressRecords,
  fittedAnswer,
  isTruncated,
  type Query,
  queryBytesMax,
  rcodeOf,
  readForwarded,
  readQuery,
  responseBytesMax,
  udpBytesMax,
  writeForwarded,
  writeResponse,
} from "./message.ts";
import { recordPlaces } from "./record-places.ts";
import { exampleZone, service, slice, zoneOf, zoneOptions } from "./testing/test-zone.ts";

const question = { type: "A", class: "IN", name: "kubernetes.default.svc.cluster.local" } as const;
const packet = (more: Partial<Packet> = {}) =>
  encode({ type: "query", id: 7, flags: 256, questions: [question], ...more });
const edns = (udpPayloadSize: number): OptAnswer => ({
  type: "OPT",
  name: ".",
  udpPayloadSize,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

function queryOf(message: Buffer): Query {
  const received = readQuery(message);
  assert.equal(received.kind, "query");
  return (received as { query: Query }).query;
}

/** Answers from the example zone, or another. */
function respond(message: Buffer, protocol: "udp" | "tcp" = "udp", zone = exampleZone()): Buffer {
  const query = queryOf(message);
  const given = answer(zone, query.question, zoneOptions);
  assert.equal(given.kind, "here");
  return writeResponse(query, given as typeof given & { kind: "here" }, responseBytesMax(query, protocol));
}

const crowd = (count: number) =>
  zoneOf([
    service("default", "kubernetes", { clusterIP: "None" }),
    slice(Array.from({ length: count }, (_, i) => ({ addresses: [`10.244.${i >> 8}.${i & 255}`] }))),
  ]);

describe("DNS messages", () => {
  it("an answer repeats the id and the question as it was written, and says that it knows", () => {
    const name = "KuberNetes.default.SVC.cluster.local";
    const said = decode(respond(packet({ id: 4711, questions: [{ ...question, name }] })));
    assert.deepEqual([said.id, said.type, said.questions?.[0]?.name], [4711, "response", name]);
    assert.deepEqual([said.flag_aa, said.flag_ra, said.flag_rd, said.flag_tc], [true, true, true, false]);
    assert.deepEqual(
      said.answers?.map((one) => [one.name, one.type]),
      [[name, "A"]],
    );
  });

  it("a name that does not exist comes with the authority that says so", () => {
    const bytes = respond(packet({ questions: [{ ...question, name: "no.such.svc.cluster.local" }] }));
    const said = decode(bytes);
    assert.equal(rcodeOf(bytes), 3);
    assert.deepEqual(
      said.authorities?.map(({ type, name }) => [type, name]),
      [["SOA", "cluster.local"]],
    );
  });

  it("without EDNS an answer fits 512 bytes, and says when something was left out", () => {
    const whole = respond(packet(), "udp", crowd(20));
    assert.deepEqual([isTruncated(whole), decode(whole).answers?.length], [false, 20]);
    const cut = respond(packet(), "udp", crowd(100));
    assert.ok(cut.length <= 512 && isTruncated(cut));
    const kept = decode(cut).answers?.length ?? 0;
    assert.ok(kept > 20 && kept < 100);
  });

  it("with EDNS it fits what the client takes, within what this server sends over UDP", () => {
    for (const [size, most] of [
      [100, 512],
      [600, 600],
      [65_535, udpBytesMax],
    ] as const) {
      const cut = respond(packet({ additionals: [edns(size)] }), "udp", crowd(500));
      assert.ok(cut.length <= most && cut.length > most - 16, `${cut.length} of ${most}`);
      assert.ok(isTruncated(cut));
      assert.equal(decode(cut).additionals?.[0]?.type, "OPT");
    }
  });

  it("over TCP everything goes", () => {
    const whole = respond(packet(), "tcp", crowd(1000));
    assert.deepEqual([isTruncated(whole), decode(whole).answers?.length], [false, 1000]);
  });

  it("what is only there to save a question is left out without a word", () => {
    const zone = zoneOf([
      service("default", "kubernetes", { clusterIP: "None" }),
      slice(
        Array.from({ length: 5 }, (_, i) => ({ addresses: [`10.244.0.${i}`], hostname: `pod-${i}` })),
        [{ name: "https", protocol: "TCP", port: 443 }],
      ),
    ]);
    const said = respond(
      packet({ questions: [{ ...question, type: "SRV", name: `_https._tcp.${question.name}` }] }),
      "udp",
      zone,
    );
    assert.deepEqual([isTruncated(said), decode(said).answers?.length], [false, 5]);
    assert.ok((decode(said).additionals?.length ?? 0) < 5);
  });

  it("who is no client gets no answer; who asks what this server does not do is told so", () => {
    const rcode = (message: Buffer) => {
      const received = readQuery(message);
      return received.kind === "refused" ? (received.response[3] ?? 0) & 15 : received.kind;
    };
    assert.equal(rcode(Buffer.alloc(11)), "ignored");
    assert.equal(rcode(encode({ type: "response", questions: [question] })), "ignored");
    const notify = packet();
    notify.writeUInt16BE(4 << 11, 2);
    assert.equal(rcode(notify), 4);
    assert.equal(rcode(packet({ questions: [] })), 1);
    assert.equal(rcode(packet({ questions: [question, question] })), 1);
    assert.equal(rcode(packet({ answers: [{ type: "A", name: "a", data: "1.2.3.4" }] })), 1);
    assert.equal(rcode(packet({ additionals: [edns(512), edns(512)] })), 1);
    assert.equal(rcode(Buffer.concat([packet(), Buffer.alloc(queryBytesMax)])), 1);
  });

  it("a question that points to itself, or runs over the end, is refused", () => {
    const header = packet().subarray(0, 12);
    for (const name of [
      [0xc0, 12],
      [0xc0, 0],
      [3, 97],
      [64, 97],
      [0x80, 1],
      Array(300)
        .fill(1)
        .flatMap(() => [1, 97]),
    ]) {
      const received = readQuery(Buffer.concat([header, Buffer.from([...name, 0, 0, 1, 0, 1])]));
      assert.equal(received.kind, "refused");
    }
  });

  it("a question for others goes out in this server's words, and their answer comes back under the client's id", () => {
    const query = queryOf(
      packet({ id: 9, questions: [{ ...question, name: "ExAmple.com" }], additionals: [edns(4096)] }),
    );
    const sent = decode(writeForwarded(query, 1234));
    assert.deepEqual(
      [sent.id, sent.type, sent.flag_rd, sent.questions?.[0]?.name],
      [1234, "query", true, "ExAmple.com"],
    );
    assert.equal(sent.additionals?.[0]?.type === "OPT" && sent.additionals[0].udpPayloadSize, udpBytesMax);
    const theirs = encode({
      type: "response",
      id: 1234,
      flags: 128,
      questions: [{ ...question, name: "example.com" }],
      answers: [{ type: "A", name: "example.com", data: "192.0.2.1" }],
    });
    const ours = readForwarded(query, theirs, 1234);
    assert.ok(ours !== undefined);
    assert.deepEqual(
      [decode(ours).id, decode(ours).questions?.[0]?.name, decode(ours).answers?.length],
      [9, "ExAmple.com", 1],
    );
    assert.equal(fittedAnswer(query, ours, 512), ours);
    const cut = fittedAnswer(query, ours, 30);
    assert.ok(isTruncated(cut) && decode(cut).answers?.length === 0);
  });

  it("an answer to another question, of another id, or no answer at all is not taken for one", () => {
    const query = queryOf(packet());
    const said = (more: Partial<Packet>) =>
      readForwarded(query, encode({ type: "response", id: 1, questions: [question], ...more }), 1);
    assert.ok(said({}) !== undefined);
    assert.equal(said({ id: 2 }), undefined);
    assert.equal(said({ type: "query" }), undefined);
    assert.equal(said({ questions: [{ ...question, name: "other" }] }), undefined);
    assert.equal(said({ questions: [{ ...question, type: "AAAA" }] }), undefined);
    assert.equal(said({ questions: [] }), undefined);
    assert.ok(said({ questions: [], flags: 5 }) !== undefined); // a refusal may do without
  });
});

describe("hostile DNS messages", () => {
  /** A valid message with some of its bytes changed, or cut, or anything at all. */
  const base = fc.constantFrom(
    packet(),
    packet({ additionals: [edns(1232)] }),
    encode({
      type: "response",
      id: 1,
      questions: [question],
      answers: [
        { type: "CNAME", name: question.name, data: "a.b" },
        { type: "A", name: "a.b", data: "1.2.3.4" },
      ],
    }),
  );
  const message = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc
      .tuple(base, fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 8 }), fc.nat(160))
      .map(([given, changes, length]) => {
        const bytes = Buffer.from(given);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        return bytes.subarray(0, Math.max(1, length));
      }),
  );

  it("never throw, and are answered with a message that a client can read, if at all", () => {
    fc.assert(
      fc.property(message, (bytes) => {
        const received = readQuery(bytes);
        if (received.kind === "refused") assert.equal(received.response.length, 12);
        if (received.kind !== "query") return;
        const given = answer(exampleZone(), received.query.question, zoneOptions);
        if (given.kind !== "here") return;
        const response = writeResponse(received.query, given, responseBytesMax(received.query, "udp"));
        assert.ok(response.length <= udpBytesMax);
        assert.equal(decode(response).id, bytes.readUInt16BE(0));
      }),
      { numRuns: 2000 },
    );
  });

  it("never throw where they come from a server that was asked", () => {
    const query = queryOf(packet());
    fc.assert(
      fc.property(message, (bytes) => {
        const answered = readForwarded(query, bytes, 1);
        const cache = new AnswerCache(systemRandom);
        if (answered !== undefined) cache.put(query, answered, 0);
        cache.get(query, 1);
        for (const { ttlAt, dataAt, dataBytes } of recordPlaces(bytes) ?? [])
          assert.ok(ttlAt + 4 <= bytes.length && dataAt + dataBytes <= bytes.length);
        for (const record of addressRecords(bytes) ?? [])
          writeResponse(
            query,
            { kind: "here", rcode: 0, answers: [record], authorities: [], additionals: [] },
            512,
          );
      }),
      { numRuns: 2000 },
    );
  });
});
