import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import fc from "fast-check";
import { deferred } from "../../../base/deferred.ts";
import { systemClock } from "../../../base/os/clock.ts";
import { createLog, type Log, silentLog } from "../../../base/os/log.ts";
import { MetricsRegistry } from "../../../base/os/metrics.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { utf8 } from "../../../base/wire.ts";
import { message } from "../../raft/message.ts";
import type { Message, MessageType } from "../../raft/types.ts";
import { TlsFolder } from "../../testing/tls-folder.ts";
import { BoundServer } from "../bound-server.ts";
import type { PortTls } from "../tls/port-tls.ts";
import { FrameReader, frame, frameBytesMax, frameKinds } from "./frame.ts";
import { badCertificateText, hello, protocolVersion } from "./hello.ts";
import type { IncomingHandlers } from "./incoming-link.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import { PeerNetwork } from "./peer-network.ts";

const heartbeat = (from: bigint, to: bigint, commit: number): Message =>
  message(from, { type: "heartbeat", to, term: 1, commit });

interface Member {
  readonly network: PeerNetwork;
  readonly received: Message[];
  readonly url: string;
  /** Everything that it counts, as it is scraped. */
  metrics(): Promise<string>;
  /** Resolves when `count` messages came in. */
  until(count: number): Promise<void>;
}

async function start(
  memberId: bigint,
  handlers: Partial<IncomingHandlers> = {},
  options: {
    readonly clusterId?: bigint;
    readonly tls?: PortTls;
    readonly log?: Log;
    readonly localAddress?: string;
  } = {},
): Promise<Member> {
  const { log = silentLog } = options;
  const parts = { clock: systemClock, random: systemRandom, log, meter: new MetricsRegistry() };
  const { meter } = parts;
  const farewell = frame(frameKinds.refused, Buffer.from(badCertificateText));
  const bind = { host: "127.0.0.1", port: 0, tls: options.tls, flag: "listen-peer-urls", farewell };
  const servers = [await BoundServer.bind(bind, silentLog)];
  const { clusterId = 7n, tls, localAddress } = options;
  const config = { clusterId, memberId, serverVersion: "t", servers, tls, localAddress };
  const network = new PeerNetwork(config, parts);
  const received: Message[] = [];
  let waiting: { readonly count: number; readonly done: ReturnType<typeof deferred<void>> } | undefined;
  network.open({
    onMessage: (one) => {
      received.push(one);
      if (waiting && received.length >= waiting.count) waiting.done.resolve();
    },
    onSnapshot: () => Promise.reject(new Error("no snapshots here")),
    onQuestion: () => Promise.reject(new Error("no questions here")),
    isRemoved: () => false,
    ...handlers,
  });
  const scheme = options.tls === undefined ? "http" : "https";
  return {
    network,
    received,
    metrics: () => meter.text(),
    url: `${scheme}://127.0.0.1:${servers[0]?.port}`,
    until: (count) => {
      const done = deferred<void>();
      waiting = { count, done };
      if (received.length >= count) done.resolve();
      return done.promise;
    },
  };
}

const connected = async (from: Member, to: bigint) => {
  while (from.network.connectedForMs(to) === 0) await new Promise((resolve) => setImmediate(resolve));
};

/** Why member 1 is refused by member 2. */
async function refusal(
  by: Member,
  said: { readonly clusterId: bigint; readonly peerUrls: readonly string[] },
): Promise<string> {
  const socket = connect(Number(new URL(by.url).port), "127.0.0.1");
  const given = { protocol: protocolVersion, from: 1n, to: 2n, purpose: "messages", ...said };
  socket.write(frame(frameKinds.hello, hello.encode(given)));
  const reader = new FrameReader(frameBytesMax);
  const [chunk] = await once(socket, "data");
  const [answer] = [...reader.push(chunk)];
  assert.equal(answer?.kind, frameKinds.refused);
  const reason = String(answer?.payload);
  socket.destroy();
  return reason;
}

describe("peer links", () => {
  const open: Member[] = [];
  let files: TlsFolder | undefined;
  const member = async (...args: Parameters<typeof start>) => {
    const started = await start(...args);
    open.push(started);
    return started;
  };
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ network }) => network.stop()));
    await files?.remove();
  });

  it("delivers messages in order", async () => {
    const [a, b] = [await member(1n), await member(2n)];
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    await connected(a, 2n);
    for (let i = 0; i < 500; i++) a.network.send([heartbeat(1n, 2n, i)]);
    await b.until(500);
    assert.deepEqual(
      b.received.map(({ commit }) => commit),
      Array.from({ length: 500 }, (_, i) => i),
    );
  });

  it("delivers what was sent right before its peer was taken out", async () => {
    let isRemoved = false;
    const [a, b] = [await member(1n, { isRemoved: () => isRemoved }), await member(2n)];
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    await connected(a, 2n);
    a.network.send([heartbeat(1n, 2n, 7)]);
    isRemoved = true;
    a.network.setPeers([]);
    await b.until(1);
    assert.equal(a.network.connectedForMs(2n), 0);
  });

  it("connects again when the peer comes back", async () => {
    const a = await member(1n);
    const first = await start(2n);
    a.network.setPeers([{ id: 2n, urls: [first.url] }]);
    await connected(a, 2n);
    await first.network.stop();
    while (a.network.connectedForMs(2n) > 0) await new Promise((resolve) => setImmediate(resolve));
    const again = await member(2n);
    a.network.setPeers([{ id: 2n, urls: [again.url] }]);
    await connected(a, 2n);
    a.network.send([heartbeat(1n, 2n, 1)]);
    await again.until(1);
  });

  it("speaks TLS with certificates on both sides", async () => {
    files = await TlsFolder.make();
    const tls = files.portTls({ asks: true });
    const [a, b] = [await member(1n, {}, { tls }), await member(2n, {}, { tls })];
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    await connected(a, 2n);
    a.network.send([heartbeat(1n, 2n, 5)]);
    await b.until(1);
  });

  it("tells a member whose certificate is not allowed so, whichever of both connects", async () => {
    files = await TlsFolder.make();
    const told: string[] = [];
    let isTold: () => void = () => undefined;
    const write = (line: string) => {
      told.push(line);
      if (line.includes(badCertificateText)) isTold();
    };
    const hears = () =>
      new Promise<void>((resolve) => {
        isTold = resolve;
      });
    const strict = files.portTls({ asks: true, allowedNames: ["another"] });
    const [a, b] = [
      await member(1n, {}, { tls: files.portTls({ asks: true }), log: createLog({ write }) }),
      await member(2n, {}, { tls: strict }),
    ];
    const connecting = hears();
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    await connecting;
    a.network.setPeers([]);
    const connectedTo = hears();
    b.network.setPeers([{ id: 1n, urls: [a.url] }]);
    await connectedTo;
    assert.equal(b.network.connectedForMs(1n), 0);
    b.network.setPeers([]);
    const both = hears();
    const c = await member(
      3n,
      {},
      { tls: files.portTls({ asks: true, allowedNames: ["a third"] }), log: createLog({ write }) },
    );
    c.network.setPeers([{ id: 2n, urls: [b.url] }]);
    await both;
  });

  it("connects from the address that it is told to", async () => {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const a = await member(1n, {}, { localAddress: "127.0.0.2" });
    const { port } = server.address() as AddressInfo;
    a.network.setPeers([{ id: 2n, urls: [`http://127.0.0.1:${port}`] }]);
    const [socket] = await once(server, "connection");
    assert.equal(socket.remoteAddress, "127.0.0.2");
    socket.destroy();
    server.close();
  });

  it("connects back to a member that it does not know, for as long as that is connected", async () => {
    const [a, b] = [await member(1n), await member(2n)];
    const both = [
      { id: 1n, urls: [a.url] },
      { id: 2n, urls: [b.url] },
    ];
    b.network.setPeers([]);
    a.network.setPeers(both);
    await connected(b, 1n);
    b.network.send([heartbeat(2n, 1n, 1)]);
    await a.until(1);
    a.network.setPeers([]);
    while (b.network.connectedForMs(1n) > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it("connects to where a member says that it is, when it is no more where it was known to be", async () => {
    const moved = await start(1n);
    await moved.network.stop();
    const [a, b] = [await member(1n), await member(2n)];
    b.network.setPeers([{ id: 1n, urls: [moved.url] }]);
    a.network.setPeers([
      { id: 1n, urls: [a.url] },
      { id: 2n, urls: [b.url] },
    ]);
    await connected(b, 1n);
    b.network.send([heartbeat(2n, 1n, 1)]);
    await a.until(1);
  });

  it("refuses who names a peer URL that is none", async () => {
    const b = await member(2n);
    const peerUrls = ["http://127.0.0.1:1", "file:///etc/passwd"];
    assert.match(await refusal(b, { clusterId: 7n, peerUrls }), /"file:\/\/\/etc\/passwd" is no peer URL/);
  });

  it("refuses members of another cluster by name", async () => {
    assert.match(await refusal(await member(2n), { clusterId: 8n, peerUrls: [] }), /cluster ID mismatch/);
  });

  it("answers questions, errors included", async () => {
    const onQuestion: IncomingHandlers["onQuestion"] = async (kind, id) => utf8(`${kind} ${id}`);
    const [a, b] = [await member(1n), await member(2n, { onQuestion })];
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    await connected(a, 2n);
    assert.equal(Buffer.from(await a.network.ask(2n, "renew", -5n)).toString(), "renew -5");
    await assert.rejects(a.network.ask(3n, "renew", 1n), { code: "NO_LEADER" });
  });

  it("streams a snapshot and tells whether it was installed", async () => {
    let fails = false;
    let got = "";
    const onSnapshot: IncomingHandlers["onSnapshot"] = async (_message, chunks) => {
      const hash = createHash("sha256");
      for await (const chunk of chunks) hash.update(chunk);
      if (fails) throw new Error("the disk is full");
      got = hash.digest("hex");
    };
    const [a, b] = [await member(1n), await member(2n, { onSnapshot })];
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    const piece = Buffer.alloc(300_000, 7);
    const meta = { index: 5, term: 1, conf: { voters: [1n, 2n], learners: [] } };
    const snapshot = { ...message(1n, { type: "snapshot", to: 2n, term: 1 }), snapshot: meta };
    const chunks = async function* () {
      for (let i = 0; i < 40; i++) yield piece;
    };
    await a.network.sendSnapshot(snapshot, chunks());
    assert.equal(
      got,
      createHash("sha256")
        .update(Buffer.alloc(40 * 300_000, 7))
        .digest("hex"),
    );
    fails = true;
    await assert.rejects(a.network.sendSnapshot(snapshot, chunks()));
    const broken = async function* () {
      yield piece;
      throw new Error("the state went away");
    };
    fails = false;
    got = "";
    await assert.rejects(a.network.sendSnapshot(snapshot, broken()), /the state went away/);
    assert.equal(got, "");
  });
});

describe("a snapshot for a peer that reads nothing", () => {
  it("is given up when whoever sends it ends", async () => {
    const onSnapshot: IncomingHandlers["onSnapshot"] = () => new Promise(() => undefined);
    const [a, b] = [await start(1n), await start(2n, { onSnapshot })];
    try {
      a.network.setPeers([{ id: 2n, urls: [b.url] }]);
      const meta = { index: 5, term: 1, conf: { voters: [1n, 2n], learners: [] } };
      const snapshot = { ...message(1n, { type: "snapshot", to: 2n, term: 1 }), snapshot: meta };
      const piece = Buffer.alloc(300_000, 7);
      let isLetGo = false;
      const ends = new AbortController();
      const chunks = async function* () {
        try {
          for (let pieces = 1; ; pieces++) {
            if (pieces === 5) setImmediate(() => ends.abort());
            yield piece;
          }
        } finally {
          isLetGo = true;
        }
      };
      const sent = a.network.sendSnapshot(snapshot, chunks(), ends.signal);
      await assert.rejects(sent);
      assert.equal(isLetGo, true);
    } finally {
      await Promise.all([a.network.stop(), b.network.stop()]);
    }
  });
});

describe("metrics of peers", () => {
  const open: Member[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ network }) => network.stop()));
  });
  const seriesOf = (text: string, label: "From" | "To") =>
    new Set(
      [...text.matchAll(new RegExp(`etcd_network_peer_\\w+{[^}]*${label}="([^"]*)"`, "g"))].map(
        ([, id]) => id,
      ),
    );

  it("have label values for members only: whoever claims other ids, and who it connects back to, is counted as unknown", async () => {
    const b = await start(2n);
    open.push(b);
    b.network.setPeers([{ id: 3n, urls: ["http://127.0.0.1:1"] }]);
    const strangers: Member[] = [];
    for (let id = 1000n; id < 1010n; id++) {
      const stranger = await start(id);
      strangers.push(stranger);
      open.push(stranger);
      stranger.network.setPeers([
        { id, urls: [stranger.url] },
        { id: 2n, urls: [b.url] },
      ]);
      await connected(stranger, 2n);
      await connected(b, id);
      stranger.network.send([heartbeat(id, 2n, 1)]);
      b.network.send([heartbeat(2n, id, 1)]);
      await stranger.until(1);
    }
    await b.until(strangers.length);
    b.network.send([heartbeat(2n, 3n, 1)]); // which is not there
    const text = await b.metrics();
    assert.deepEqual([...seriesOf(text, "From")].sort(), ["3", "unknown"]);
    assert.deepEqual([...seriesOf(text, "To")].sort(), ["3", "unknown"]);
    for (const what of ["received_bytes_total{From", "sent_bytes_total{To"])
      assert.ok(Number(text.split(`etcd_network_peer_${what}="unknown"} `)[1]?.split("\n")[0]) > 0, what);
  });

  it("are a member's own as soon as it is one", async () => {
    const [a, b] = [await start(1n), await start(2n)];
    open.push(a, b);
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    await connected(a, 2n);
    b.network.setPeers([{ id: 1n, urls: [a.url] }]);
    a.network.send([heartbeat(1n, 2n, 1)]);
    await b.until(1);
    assert.match(await b.metrics(), /etcd_network_peer_received_bytes_total\{From="1"\} [1-9]/);
  });
});

describe("a snapshot's connection", () => {
  const open: Member[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map(({ network }) => network.stop()));
  });
  const meta = { index: 5, term: 1, conf: { voters: [1n, 2n], learners: [] } };
  const said = { ...message(1n, { type: "snapshot", to: 2n, term: 1 }), snapshot: meta };

  it("goes to each of the member's URLs in turn", async () => {
    let got = 0;
    const onSnapshot: IncomingHandlers["onSnapshot"] = async (_message, chunks) => {
      for await (const chunk of chunks) got += chunk.length;
    };
    const gone = await start(2n);
    await gone.network.stop();
    const [a, b] = [await start(1n), await start(2n, { onSnapshot })];
    open.push(a, b);
    a.network.setPeers([{ id: 2n, urls: [gone.url, b.url] }]);
    const chunks = async function* () {
      yield Buffer.alloc(1000);
    };
    await a.network.sendSnapshot(said, chunks());
    assert.equal(got, 1000);
  });

  it("ends for the sender when the receiver has closed it without reading on", async () => {
    const onSnapshot: IncomingHandlers["onSnapshot"] = () => Promise.reject(new Error("not now"));
    const [a, b] = [await start(1n), await start(2n, { onSnapshot })];
    open.push(a, b);
    a.network.setPeers([{ id: 2n, urls: [b.url] }]);
    let isReleased = false;
    const chunks = async function* () {
      try {
        for (;;) yield Buffer.alloc(1_000_000);
      } finally {
        isReleased = true;
      }
    };
    await assert.rejects(a.network.sendSnapshot(said, chunks()));
    assert.ok(isReleased);
  });
});

describe("message codec", () => {
  const types: MessageType[] = [
    "append",
    "appendResponse",
    "vote",
    "preVote",
    "heartbeat",
    "readIndex",
    "propose",
  ];
  const bytes = fc.uint8Array({ maxLength: 30 }).map((value) => Buffer.from(value));
  const entry = fc.record({
    term: fc.maxSafeNat(),
    index: fc.maxSafeNat(),
    type: fc.constantFrom("normal" as const, "confChange" as const),
    data: bytes,
  });
  const ids = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
  const conf = fc.record({ voters: fc.array(ids), learners: fc.array(ids) });
  const messages = fc.record(
    {
      type: fc.constantFrom(...types),
      to: ids,
      from: ids,
      term: fc.maxSafeNat(),
      logTerm: fc.maxSafeNat(),
      index: fc.maxSafeNat(),
      entries: fc.array(entry, { maxLength: 3 }),
      commit: fc.maxSafeNat(),
      reject: fc.boolean(),
      rejectHint: fc.maxSafeNat(),
      context: bytes,
      snapshot: fc.record({ index: fc.maxSafeNat(), term: fc.maxSafeNat(), conf }),
      commitTerm: fc.maxSafeNat(),
    },
    {
      requiredKeys: [
        "type",
        "to",
        "from",
        "term",
        "logTerm",
        "index",
        "entries",
        "commit",
        "reject",
        "rejectHint",
        "context",
      ],
    },
  );

  it("decodes what it encodes, through frames cut anywhere", () => {
    const cut = fc.property(
      fc.array(messages, { maxLength: 5 }),
      fc.integer({ min: 1, max: 40 }),
      (given, size) => {
        const stream = Buffer.concat(given.map((one) => frame(frameKinds.message, encodeMessage(one))));
        const reader = new FrameReader(frameBytesMax);
        const got: Message[] = [];
        for (let at = 0; at < stream.length; at += size)
          for (const { payload } of reader.push(stream.subarray(at, at + size)))
            got.push(decodeMessage(payload));
        assert.deepEqual(got.map(plain), given.map(plain));
      },
    );
    fc.assert(cut);
  });
});

/** Buffers and views compare by content. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const named = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(named.map(([name, inner]) => [name, plain(inner)]));
}
