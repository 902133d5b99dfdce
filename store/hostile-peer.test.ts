import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { systemClock } from "../base/os/clock.ts";
import { createLog } from "../base/os/log.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import { systemRandom } from "../base/os/random.ts";
import { latin1, utf8 } from "../base/wire.ts";
import { internalRaftRequest } from "../proto/etcd.ts";
import { methods } from "../proto/etcd-methods.ts";
import { writeAppliedAt } from "./apply/applied-index.ts";
import { writeConfState } from "./apply/conf-state.ts";
import { type Bucket, bucketNames, type Pages, type View } from "./backend/backend.ts";
import { backendDefaults } from "./backend/layered-backend.ts";
import { MemoryHome } from "./backend/memory-home.ts";
import { createMember, type StoreMember } from "./create-member.ts";
import { encodeConfChange } from "./driver/conf-change-wire.ts";
import { newCluster } from "./membership/initial-cluster.ts";
import { openLog } from "./open-log.ts";
import { message } from "./raft/message.ts";
import type { Entry, EntryId, Message, MessageType, SnapshotMeta } from "./raft/types.ts";
import { answerOf } from "./rpc/promised-answer.ts";
import { snapshotStream } from "./snapshot/stream.ts";
import { BoundServer } from "./transport/bound-server.ts";
import { type FrameKind, frame, frameKinds } from "./transport/peer/frame.ts";
import { hello, protocolVersion } from "./transport/peer/hello.ts";
import { encodeMessage } from "./transport/peer/message-codec.ts";
import { PeerNetwork } from "./transport/peer/peer-network.ts";
import { writeQuestion } from "./transport/peer/question.ts";
import { sendSnapshot } from "./transport/peer/snapshot-sender.ts";
import { MemoryDisk } from "./wal/fixtures/memory-disk.ts";

/** A member that serves on a real socket; whoever is at the other end knows its cluster's and its peers' ids. */
interface Victim {
  readonly member: StoreMember;
  readonly id: bigint;
  readonly peers: readonly bigint[];
  readonly clusterId: bigint;
  readonly port: number;
  readonly log: string[];
  readonly host: Host;
  /** Set when the member ended by itself. */
  readonly ended: { error?: unknown };
  stop(): Promise<void>;
}

/** What outlives a process. */
interface Host {
  readonly disk: MemoryDisk;
  readonly home: MemoryHome;
}
const newHost = (): Host => ({
  disk: new MemoryDisk(),
  home: new MemoryHome(backendDefaults, { onFailure: () => undefined }),
});

async function startVictim(names: readonly string[], host = newHost()): Promise<Victim> {
  const cluster = newCluster(new Map(names.map((name) => [name, [`http://${name}:1`]])), "hostile");
  const id = cluster.members.find((one) => one.name === names[0])?.id ?? 0n;
  const { clusterId } = cluster;
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), level: "info" });
  const os = { clock: systemClock, disk: host.disk, log, metrics: new MetricsRegistry() };
  const server = await BoundServer.bind({ host: "127.0.0.1", port: 0, flag: "listen-peer-urls" }, log);
  const network = new PeerNetwork(
    { clusterId, memberId: id, serverVersion: "t", servers: [server], tls: undefined },
    { clock: systemClock, random: systemRandom, log, meter: os.metrics },
  );
  const member = await createMember(
    {
      dataDir: "/data",
      heartbeatMs: 10,
      electionMs: 50,
      snapshotCount: 100,
      quotaBytes: 0,
      maxRequestBytes: 1_000_000,
      maxTxnOps: 128,
      maxLearners: 1,
      strictReconfigCheck: false,
      watchProgressMs: 60_000,
      version: "3.5.0",
    },
    {
      ...os,
      random: systemRandom,
      home: host.home,
      openLog: async (appliedIndex) => {
        const begin = async () => ({ kind: "new" as const, cluster, memberId: id });
        const { wal, ...opened } = await openLog(
          { folder: "/data/wal", segmentBytes: 65_536, appliedIndex },
          begin,
          os,
        );
        return { log: wal, ...opened };
      },
      // The peers' addresses lead nowhere, and nobody shall look them up.
      openPeers: () => Object.assign(network, { setPeers: () => undefined }),
    },
  );
  network.open(member.fromPeers);
  const ended: Victim["ended"] = {};
  member.done.catch((error: unknown) => {
    ended.error = error;
  });
  const peers = [...cluster.members.map((one) => one.id).filter((one) => one !== id), 0xbadn];
  return {
    member,
    id,
    peers,
    clusterId,
    port: server.port,
    log: lines,
    host,
    ended,
    stop: async () => {
      await network.stop();
      await member.stop().catch(() => undefined); // it may have ended
    },
  };
}

/** A connection that said hello and was welcomed, or turned away. */
async function greet(victim: Victim, from: bigint, purpose: string): Promise<Socket> {
  const socket = connect(victim.port, "127.0.0.1");
  socket.on("error", () => undefined);
  const { clusterId, id } = victim;
  socket.write(
    frame(frameKinds.hello, hello.encode({ protocol: protocolVersion, clusterId, from, to: id, purpose })),
  );
  await dataOrClose(socket);
  return socket;
}

function dataOrClose(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.removeListener("data", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.once("data", done);
    socket.once("close", done);
  });
}

/** Sends, and waits until the victim has read it all, or has closed the connection. */
async function say(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (socket.destroyed) return;
  const heard = dataOrClose(socket);
  socket.write(bytes);
  socket.write(frame(frameKinds.ping, new Uint8Array(0)));
  await heard;
}

/** What it has taken in lets it start again. */
async function startsAgain(victim: Victim, names: readonly string[]): Promise<void> {
  await victim.stop();
  const again = await startVictim(names, victim.host);
  await lives(again);
  await again.stop();
}

async function lives(victim: Victim): Promise<void> {
  const { member, ended } = victim;
  assert.equal(ended.error, undefined, `the member ended: ${String((ended.error as Error)?.stack)}`);
  const range = methods.range;
  const handler = member.handlers.unary.get(range.path);
  assert.ok(handler !== undefined);
  // It serves reads.
  const request = range.request.encode({ key: utf8("k"), serializable: true });
  await answerOf(handler, request, { requireLeader: false });
}

const count = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 12 }) },
  fc.constantFrom(-1, 2 ** 31, 2 ** 53 - 1),
);
const someBytes = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const key = fc.constantFrom("", "k", "k2", "\0").map(utf8);
const lease = fc.constantFrom(0n, 7n, -1n, 2n ** 63n - 1n);

/** Requests that can be read, mostly not such as a client could have sent. */
const request = fc
  .oneof(
    fc.record({
      put: fc.record({
        key,
        value: someBytes,
        lease,
        prevKv: fc.boolean(),
        ignoreValue: fc.boolean(),
        ignoreLease: fc.boolean(),
      }),
    }),
    fc.record({ deleteRange: fc.record({ key, rangeEnd: key, prevKv: fc.boolean() }) }),
    fc.record({
      range: fc.record({
        key,
        rangeEnd: key,
        revision: count,
        limit: count,
        sortTarget: fc.constantFrom("KEY" as const, "VALUE" as const),
        sortOrder: fc.constantFrom("NONE" as const, "DESCEND" as const),
      }),
    }),
    fc.record({ compaction: fc.record({ revision: count }) }),
    fc.record({ leaseGrant: fc.record({ id: lease, ttl: count }) }),
    fc.record({ leaseRevoke: fc.record({ id: lease }) }),
    fc.record({
      leaseCheckpoint: fc.record({ checkpoints: fc.array(fc.record({ id: lease, remainingTtl: count })) }),
    }),
    fc.record({
      alarm: fc.record({
        action: fc.constantFrom("GET" as const, "ACTIVATE" as const, "DEACTIVATE" as const),
        memberId: fc.constantFrom(0n, 1n),
        alarm: fc.constantFrom("NONE" as const, "NOSPACE" as const),
      }),
    }),
    fc.record({ clusterVersionSet: fc.record({ ver: fc.string() }) }),
    fc.record({
      clusterMemberAttrSet: fc.record({
        memberId: lease,
        memberAttributes: fc.record({ name: fc.string(), clientUrls: fc.array(fc.string()) }),
      }),
    }),
    fc.record({
      txn: fc.record({
        success: fc.array(
          fc.oneof(
            fc.record({ requestPut: fc.record({ key, value: someBytes, lease }) }),
            fc.record({ requestDeleteRange: fc.record({ key, rangeEnd: key }) }),
            fc.constant({}),
          ),
        ),
      }),
    }),
    fc.constant({}),
  )
  .map((parts) => Buffer.from(internalRaftRequest.encode({ header: { id: 1n }, ...parts })));

const confChange = fc
  .record({
    id: fc.constant(1n),
    type: fc.constantFrom("addNode" as const, "addLearner" as const, "updateNode" as const),
    nodeId: fc.constantFrom(0n, 5n, 0xbadn),
    context: fc.oneof(
      someBytes,
      fc
        .constantFrom(
          "{}",
          '{"id":5}',
          '{"id":5,"peerURLs":7}',
          '{"id":5,"peerURLs":["x"],"isPromote":true}',
          "[]",
        )
        .map(utf8),
    ),
  })
  .map((change) => Buffer.from(encodeConfChange(change)));

const entry = fc
  .record({
    term: count,
    index: count,
    type: fc.constantFrom("normal" as const, "normal" as const, "confChange" as const),
  })
  .chain(({ term, index, type }) =>
    fc
      .oneof(type === "normal" ? request : confChange, someBytes)
      .map((data): Entry => ({ term, index, type, data })),
  );

/** The victim's term, and what it applied last. */
interface Now {
  readonly term: number;
  readonly applied: EntryId;
}

const seldom = <T>(odd: fc.Arbitrary<T>) => fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, odd);

/** Messages that fit what the victim is doing at the moment but for what is odd about them. */
const shot = fc.record({
  type: fc.constantFrom<MessageType>(
    "append",
    "append",
    "append",
    "propose",
    "propose",
    "appendResponse",
    "vote",
    "voteResponse",
    "preVote",
    "preVoteResponse",
    "heartbeat",
    "heartbeatResponse",
    "timeoutNow",
    "readIndex",
    "readIndexResponse",
    "snapshot",
  ),
  ahead: fc.integer({ min: 0, max: 2 }),
  index: seldom(count),
  logTerm: seldom(count),
  term: seldom(count),
  commit: count,
  entries: fc.array(entry, { maxLength: 3 }),
  fits: fc.constantFrom(true, true, true, false),
  reject: fc.boolean(),
  context: seldom(someBytes),
  snapshot: seldom(
    fc.record({
      index: count,
      term: count,
      conf: fc.record({
        voters: fc.array(lease.map((one) => BigInt.asUintN(64, one))),
        learners: fc.array(lease.map((one) => BigInt.asUintN(64, one))),
      }),
    }),
  ),
});

type Shot = typeof shot extends fc.Arbitrary<infer T> ? T : never;

function aim(one: Shot, from: bigint, to: bigint, now: Now): Message {
  const carries = one.type === "append" || one.type === "propose";
  // A leader of a new term is believed.
  const ahead = carries ? 1 : one.ahead;
  const term = one.term ?? (one.type === "readIndex" ? 0 : now.term + ahead);
  const index = one.index ?? (one.type === "propose" ? 0 : now.applied.index);
  const entries = one.fits
    ? one.entries.map((each, i) => ({ ...each, term, index: index + 1 + i }))
    : one.entries;
  const isRead = one.type === "readIndex" || one.type === "readIndexResponse";
  const { type, commit, reject, context, snapshot } = one;
  return message(from, {
    type,
    to,
    term,
    index,
    logTerm: one.logTerm ?? (one.type === "readIndex" ? 0 : now.applied.term),
    commit: one.fits ? index + entries.length : commit,
    reject,
    entries: carries || !one.fits ? entries : [],
    context: context ?? Buffer.alloc(isRead ? 8 : 0),
    ...(snapshot && { snapshot }),
  });
}

/** The view with rows that no store would keep as revisions. */
function withRevisions(view: View, rows: readonly (readonly [Bucket, string, Uint8Array])[]): View {
  const revisions = rows.filter(([name]) => name === "key").map(([, key, value]) => ({ key, value }));
  async function* pages(): Pages {
    if (revisions.length > 0) yield revisions;
  }
  return {
    ...view,
    pages: (bucket, ...range) => (bucket === "key" ? pages() : view.pages(bucket, ...range)),
  };
}

describe("a hostile peer", function () {
  this.timeout(120_000);
  let victim: Victim;
  afterEach(() => victim.stop());

  for (const [what, names] of [
    ["that is one of three", ["a", "b", "c"]],
    ["that is alone", ["a"]],
  ] as const) {
    it(`ends no member ${what}, whatever messages it sends`, async () => {
      victim = await startVictim(names);
      const sender = fc.integer({ min: 0, max: victim.peers.length - 1 });
      await fc.assert(
        fc.asyncProperty(sender, fc.array(shot, { minLength: 1, maxLength: 8 }), async (at, shots) => {
          const from = victim.peers[at] ?? 0n;
          const socket = await greet(victim, from, "messages");
          for (const one of shots) {
            const { driver, state } = victim.member;
            const applied = { index: state.appliedIndex, term: state.appliedTerm };
            const now = { term: driver.status.term, applied };
            await say(socket, frame(frameKinds.message, encodeMessage(aim(one, from, victim.id, now))));
          }
          socket.destroy();
          await lives(victim);
        }),
        { numRuns: 300 },
      );
      assert.ok(victim.member.driver.status.lastIndex > 3, "some entries were taken");
      assert.ok(victim.log.filter((line) => line.includes("closed a peer's connection")).length > 100);
      await startsAgain(victim, names);
    });
  }

  it("is heard neither in another's name nor with what is another member's", async () => {
    victim = await startVictim(["a", "b", "c"]);
    const [from = 0n, other = 0n] = victim.peers;
    const term = 1_000;
    for (const [name, to, problem] of [
      [other, victim.id, `sends in the name of ${other.toString(16)}`],
      [from, other, `a message for member ${other.toString(16)}, not ${victim.id.toString(16)}`],
    ] as const) {
      const socket = await greet(victim, from, "messages");
      const vote = message(name, { type: "vote", to, term, index: term, logTerm: term - 1 });
      await say(socket, frame(frameKinds.message, encodeMessage(vote)));
      socket.destroy();
      assert.ok(victim.member.driver.status.term < term, "it is not acted upon");
      assert.ok(
        victim.log.some((line) => line.includes(problem)),
        problem,
      );
    }
    await lives(victim);
  });

  it("ends no member with bytes that are no messages, or frames out of place", async () => {
    victim = await startVictim(["a", "b", "c"]);
    const [from = 0n] = victim.peers;
    const sound = encodeMessage(
      message(from, { type: "append", to: victim.id, term: 3, index: 1, logTerm: 1 }),
    );
    const flipped = fc
      .array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { maxLength: 4 })
      .map((flips) => {
        const bytes = Buffer.from(sound);
        for (const [where, value] of flips) bytes[where] = value;
        return bytes;
      });
    const kind = fc.constantFrom(...Object.values(frameKinds), 0, 99).map((one) => one as FrameKind);
    const payload = fc.oneof(
      someBytes,
      flipped,
      fc.constant(Buffer.from(writeQuestion({ number: 1, kind: "renew", id: 7n }))),
      fc.constant(Buffer.from(writeQuestion({ number: 2, kind: "no such thing", id: 7n }))),
    );
    const purpose = fc.constantFrom("messages", "snapshot", "members", "", "else");
    const frames = fc.array(fc.tuple(kind, payload), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(purpose, frames, async (given, sent) => {
        const socket = await greet(victim, from, given);
        for (const [one, bytes] of sent) await say(socket, frame(one, bytes));
        socket.destroy();
        await lives(victim);
      }),
      { numRuns: 150 },
    );
  });

  it("ends no member with a snapshot whose rows are none, though its sums are right", async () => {
    victim = await startVictim(["a", "b", "c"]);
    const [from = 0n] = victim.peers;
    const conf = { voters: [victim.id, ...victim.peers].sort((a, b) => (a < b ? -1 : 1)), learners: [] };
    const bucket = fc.constantFrom(...bucketNames);
    const rows = fc.array(fc.tuple(bucket, someBytes.map(latin1), someBytes), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(rows, async (given) => {
        const { term, lastIndex } = victim.member.driver.status;
        const at = { index: lastIndex + 10, term: term + 1 };
        const backend = await new MemoryHome(backendDefaults, { onFailure: () => undefined }).open();
        for (const [name, rowKey, value] of given) if (name !== "key") backend.put(name, rowKey, value);
        writeAppliedAt(backend, at);
        writeConfState(backend, conf);
        backend.commit();
        const meta: SnapshotMeta = { ...at, conf };
        const said = message(from, { type: "snapshot", to: victim.id, term: term + 1, snapshot: meta });
        const options = {
          clusterId: victim.clusterId,
          from,
          to: victim.id,
          serverVersion: "t",
          peerUrls: [],
          tls: undefined,
          clock: systemClock,
        };
        await sendSnapshot(
          [`http://127.0.0.1:${victim.port}`],
          options,
          encodeMessage(said),
          snapshotStream(withRevisions(backend.snapshot(), given)).chunks,
          { onSent: () => undefined },
        ).catch(() => undefined);
        await backend.close();
        await lives(victim);
      }),
      { numRuns: 100 },
    );
    await startsAgain(victim, ["a", "b", "c"]);
  });
});
