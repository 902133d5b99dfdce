import assert from "node:assert/strict";
import { type Answer, decode, encode, type Packet } from "dns-packet";
import { systemRandom } from "../../base/os/random.ts";
import { AnswerCache, answerCacheLimits } from "./answer-cache.ts";
import { type Query, readForwarded, readQuery } from "./message.ts";

const asked = (name: string, more: Partial<Packet> = {}): Query => {
  const questions = [{ name, type: "A", class: "IN" } as const];
  const received = readQuery(encode({ type: "query", id: 7, flags: 256, questions, ...more }));
  assert.equal(received.kind, "query");
  return received.kind === "query" ? received.query : assert.fail();
};

/** What a server says, as the forwarder takes it. */
const answered = (query: Query, more: Partial<Packet>): Buffer => {
  const questions = [{ name: query.question.labels.join("."), type: "A", class: "IN" } as const];
  const message = encode({ type: "response", id: 1, flags: 128, questions, ...more });
  return readForwarded(query, message, 1) ?? assert.fail("no answer");
};

const address = (name: string, ttl: number, data = "192.0.2.1"): Answer => ({ type: "A", name, ttl, data });
const soa = (ttl: number, minimum: number): Answer => ({
  type: "SOA",
  name: "example",
  ttl,
  data: { mname: "ns.example", rname: "admin.example", serial: 1, refresh: 2, retry: 3, expire: 4, minimum },
});
const failed = (rcode: number) => ({ flags: 128 | rcode });

describe("what other servers answered", () => {
  it("is kept as long as all of it holds, within CoreDNS' bound", () => {
    const name = "www.example";
    for (const [ttls, kept] of [
      [[30, 20], 20],
      [[0, 20], 0],
      [[86_400], answerCacheLimits.foundSeconds],
      [[0x8000_0001], 0],
    ] as const) {
      // One that is out of date is forgotten when it is asked for: each time is a new one.
      const answers = ttls.map((ttl, at) => address(name, ttl, `192.0.2.${at}`));
      const cache = new AnswerCache(systemRandom);
      const query = asked(name);
      const keep = () => cache.put(query, answered(query, { answers }), 0);
      keep();
      assert.equal(cache.get(query, kept * 1000), undefined, `${ttls}`);
      keep();
      if (kept > 0) assert.ok(cache.get(query, kept * 1000 - 1) !== undefined, `${ttls}`);
    }
  });

  it("that there is nothing is kept as the zone says, and not where it does not say (RFC 2308)", () => {
    const alias: Answer = { type: "CNAME", name: "www.example", ttl: 40, data: "gone.example" };
    for (const [more, kept] of [
      [{ ...failed(3), authorities: [soa(60, 30)] }, 30],
      [{ ...failed(3), authorities: [soa(20, 30)] }, 20],
      [{ authorities: [soa(60, 30)] }, 30],
      [{ answers: [alias], authorities: [soa(60, 50)] }, 40],
      [{ ...failed(3), authorities: [soa(86_400, 86_400)] }, answerCacheLimits.absentSeconds],
      [failed(3), 0],
      [{}, 0],
      [failed(2), answerCacheLimits.failureSeconds],
      [failed(5), 0],
      [{ flags: 128 | 512, answers: [address("www.example", 60)] }, 0],
    ] as const) {
      const cache = new AnswerCache(systemRandom);
      const query = asked("www.example");
      const response = answered(query, more as Partial<Packet>);
      cache.put(query, response, 0);
      assert.equal(cache.get(query, kept * 1000), undefined, JSON.stringify(more));
      cache.put(query, response, 0);
      if (kept > 0) assert.ok(cache.get(query, kept * 1000 - 1) !== undefined, JSON.stringify(more));
      assert.equal(cache.size, kept > 0 ? 1 : 0);
    }
  });

  it("comes back as it was, older by the time since, to the client's own question", () => {
    const cache = new AnswerCache(systemRandom);
    const query = asked("www.example");
    const answers: Answer[] = [
      { type: "CNAME", name: "www.example", ttl: 100, data: "a.example" },
      address("a.example", 50),
    ];
    cache.put(
      query,
      answered(query, {
        answers,
        authorities: [{ type: "NS", name: "example", ttl: 70, data: "ns.example" }],
      }),
      1_000,
    );
    const again = asked("WWW.Example");
    const found = cache.get({ ...again, id: 99 }, 11_500);
    assert.ok(found !== undefined);
    const { id, questions, answers: got = [], authorities = [] } = decode(found);
    assert.deepEqual([id, questions?.[0]?.name], [99, "WWW.Example"]);
    assert.deepEqual(
      [...got, ...authorities].map((one) => [one.type, "ttl" in one && one.ttl]),
      [
        ["CNAME", 90],
        ["A", 40],
        ["NS", 60],
      ],
    );
  });

  it("is another one for who asks otherwise", () => {
    const cache = new AnswerCache(systemRandom);
    const query = asked("www.example");
    cache.put(query, answered(query, { answers: [address("www.example", 60)] }), 0);
    const option = (flags: number): Partial<Packet> => ({
      additionals: [
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: 1232,
          extendedRcode: 0,
          ednsVersion: 0,
          flags,
          flag_do: flags > 0,
          options: [],
        },
      ],
    });
    assert.ok(cache.get(query, 1) !== undefined);
    for (const more of [
      option(0),
      option(0x8000),
      { flags: 256 | 16 },
      { questions: [{ name: "www.example", type: "AAAA", class: "IN" } as const] },
    ])
      assert.equal(cache.get(asked("www.example", more), 1), undefined, JSON.stringify(more));
    const labels = ["www.example"]; // one label that holds a dot
    assert.equal(cache.get({ ...query, question: { ...query.question, labels } }, 1), undefined);
  });

  it("has each of several addresses first in its turn, and loses none", () => {
    const cache = new AnswerCache(systemRandom);
    const query = asked("www.example");
    const all = ["192.0.2.1", "192.0.2.2", "192.0.2.3"];
    const answers = all.map((data) => address("www.example", 60, data));
    cache.put(query, answered(query, { answers }), 0);
    const firsts = new Set<string>();
    for (let n = 0; n < 100; n++) {
      const got = (decode(cache.get(query, 1) ?? assert.fail()).answers ?? []).map((one) =>
        "data" in one ? String(one.data) : "",
      );
      assert.deepEqual([...got].sort(), all);
      firsts.add(got[0] ?? "");
    }
    assert.equal(firsts.size, 3);
  });

  it("is bounded in number and in bytes: what was asked for longest ago goes", () => {
    const { answersMost, bytesMost } = answerCacheLimits;
    const cache = new AnswerCache(systemRandom);
    const keep = (name: string, size = 1) => {
      const query = asked(name);
      const data = Array.from({ length: size }, () => "x".repeat(250));
      const answers: Answer[] = [{ type: "TXT", name, ttl: 60, data }];
      cache.put(query, answered(query, { answers }), 0);
      return query;
    };
    const first = keep("first.example");
    const second = keep("second.example");
    for (let n = 2; n < answersMost; n++) keep(`n${n}.example`);
    assert.ok(cache.get(first, 1) !== undefined);
    keep("one-more.example");
    assert.equal(cache.size, answersMost);
    assert.ok(cache.get(first, 1) !== undefined, "asked for since");
    assert.equal(cache.get(second, 1), undefined);
    for (let n = 0; n < 200; n++) keep(`big${n}.example`, 240);
    assert.ok(cache.size <= bytesMost / 60_000 + 1, `${cache.size}`);
  });
});
