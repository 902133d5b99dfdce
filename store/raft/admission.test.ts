import assert from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../../base/os/random.ts";
import { termJumpMax } from "./admission.ts";
import { raftLimits } from "./config.ts";
import { commitOnlyContext, message, transferContext } from "./message.ts";
import { RawNode } from "./node.ts";
import type { Entry, Message, MessageType, Role } from "./types.ts";

const types: readonly MessageType[] = [
  "append",
  "appendResponse",
  "vote",
  "voteResponse",
  "preVote",
  "preVoteResponse",
  "heartbeat",
  "heartbeatResponse",
  "snapshot",
  "timeoutNow",
  "readIndex",
  "readIndexResponse",
  "propose",
];
const entry = (term: number, index: number): Entry => ({
  term,
  index,
  type: "normal",
  data: Buffer.from("x"),
});
const leadersTerm = 4;

/** Member 1 of 1, 2, 3 with five entries, of which two are committed. */
function member(): RawNode {
  return new RawNode({
    id: 1n,
    electionTicks: 10,
    heartbeatTicks: 1,
    limits: raftLimits,
    hardState: { term: 3, vote: 0n, commit: 2 },
    snapshot: { index: 0, term: 0 },
    entries: [1, 2, 3, 4, 5].map((index) => entry(Math.ceil(index / 2), index)),
    applied: 0,
    conf: { voters: [1n, 2n, 3n], learners: [] },
    random: new Prng(1),
  });
}

/** Does what is to be done, at once. */
function drive(node: RawNode): void {
  while (node.hasReady()) {
    const ready = node.ready();
    const last = ready.entries.at(-1);
    if (ready.mustPersist) node.persisted(last?.index ?? 0, last?.term ?? 0);
    for (const { index } of ready.committedEntries) node.applied(index);
  }
}

function inRole(role: Role): RawNode {
  const node = member();
  const step = (parts: Partial<Message> & { type: MessageType }) => {
    assert.equal(node.step(message(2n, { to: 1n, ...parts })), undefined);
    drive(node);
  };
  if (role === "follower") step({ type: "heartbeat", term: leadersTerm, commit: 2 });
  else {
    node.campaign();
    drive(node);
    if (role !== "preCandidate") step({ type: "preVoteResponse", term: leadersTerm });
    if (role === "leader") step({ type: "voteResponse", term: leadersTerm });
  }
  assert.equal(node.role, role);
  return node;
}

const roles: readonly Role[] = ["follower", "preCandidate", "candidate", "leader"];

describe("admission of a peer's messages", () => {
  const refuses = (name: string, role: Role, parts: Partial<Message> & { type: MessageType }, why: RegExp) =>
    it(`refuses ${name}`, () => {
      const node = inRole(role);
      const before = node.status();
      assert.match(node.step(message(2n, { to: 1n, term: leadersTerm, ...parts })) ?? "taken", why);
      assert.deepEqual(node.status(), before, "nothing has changed");
    });

  refuses("an append of a second leader in its own term", "leader", { type: "append" }, /own term 4/);
  refuses("a heartbeat of a second leader in its own term", "leader", { type: "heartbeat" }, /own term 4/);
  refuses(
    "a second leader of its leader's term",
    "follower",
    { type: "append", from: 3n },
    /has another leader/,
  );
  refuses(
    "a refusal of proposals by who does not lead",
    "follower",
    { type: "propose", from: 3n, reject: true, entries: [entry(0, 0)] },
    /has another leader/,
  );
  refuses("a commit index past its log", "follower", { type: "heartbeat", commit: 6 }, /log ends at 5/);
  refuses("an acknowledgement past the log", "leader", { type: "appendResponse", index: 7 }, /log ends at 6/);
  refuses(
    "entries with a gap",
    "follower",
    { type: "append", index: 5, logTerm: 3, entries: [entry(4, 7)] },
    /after/,
  );
  refuses(
    "entries of a later term",
    "follower",
    { type: "append", index: 5, logTerm: 3, entries: [entry(9, 6)] },
    /term 9/,
  );
  refuses(
    "entries whose terms fall",
    "follower",
    { type: "append", index: 5, logTerm: 3, entries: [entry(2, 6)] },
    /term 2/,
  );
  refuses("an append of no term", "follower", { type: "append", term: 0 }, /of term 0/);
  refuses("a negative index", "follower", { type: "append", index: -1 }, /index -1/);
  refuses("a negative term", "follower", { type: "vote", term: -1 }, /term -1/);
  refuses(
    "a term that uses up all terms",
    "follower",
    { type: "vote", term: 5 + termJumpMax },
    /while this member/,
  );
  refuses("a read id that is none", "leader", { type: "readIndex", term: 0 }, /context of 0 bytes/);
  refuses("a message of nobody", "follower", { type: "vote", from: 0n }, /of member 0/);
  refuses("a message for another", "follower", { type: "vote", to: 3n }, /for member 3/);
  refuses("a snapshot's message without one", "follower", { type: "snapshot" }, /about a snapshot/);
  refuses(
    "a snapshot of a cluster without voters",
    "follower",
    { type: "snapshot", snapshot: { index: 9, term: 4, conf: { voters: [], learners: [] } } },
    /without voters/,
  );

  it("lets nothing through that would break an invariant, whatever is sent, in every role", () => {
    const count = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: 9 }) },
      fc.constantFrom(-1, 2 ** 32, 2 ** 53 - 1, 1.5, Number.NaN),
    );
    const id = fc.constantFrom(0n, 1n, 2n, 3n, 4n);
    const context = fc.oneof(
      fc.constantFrom(Buffer.alloc(0), Buffer.alloc(8), transferContext, commitOnlyContext),
      fc.uint8Array({ maxLength: 12 }),
    );
    const entries = fc.array(
      fc.record({
        term: count,
        index: count,
        type: fc.constantFrom("normal" as const, "confChange" as const),
        data: fc.constant(Buffer.from("x")),
      }),
      { maxLength: 3 },
    );
    // Mostly contiguous, so that many are taken.
    const run = fc.tuple(count, count, fc.integer({ min: 0, max: 4 })).map(([index, term, length]) => ({
      index,
      logTerm: term,
      entries: Array.from({ length }, (_, i) => entry(Math.max(1, term), index + 1 + i)),
    }));
    const conf = fc.record({
      voters: fc.array(id, { minLength: 1, maxLength: 3 }),
      learners: fc.array(id, { maxLength: 1 }),
    });
    const snapshot = fc.record({ index: count, term: count, conf });
    const term = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: leadersTerm, max: 6 }) }, count);
    const from = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(2n, 3n) }, id);
    const to = fc.oneof({ weight: 30, arbitrary: fc.constant(1n) }, id);
    const lastAndCommitted = { index: count, logTerm: fc.integer({ min: 0, max: 5 }), commitTerm: count };
    const common = { from, to, term, commit: count, reject: fc.boolean() };
    const ofType: { readonly [type in MessageType]?: Record<string, fc.Arbitrary<unknown>> } = {
      readIndex: { term: fc.constantFrom(0, 0, 0, 4), context },
      readIndexResponse: { context, index: count },
      heartbeat: { context: fc.constantFrom(Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(3)) },
      heartbeatResponse: { context: fc.constantFrom(Buffer.alloc(0), Buffer.alloc(8), Buffer.alloc(3)) },
      appendResponse: { index: count, rejectHint: count, logTerm: fc.integer({ min: 0, max: 5 }) },
      vote: lastAndCommitted,
      preVote: lastAndCommitted,
      propose: { entries },
      snapshot: { snapshot },
    };
    const anything = { logTerm: count, index: count, rejectHint: count, context, entries, snapshot };
    const oneOfType = fc.constantFrom(...types).chain((type) =>
      fc.tuple(
        fc.constant(type),
        fc.record({ ...common, ...ofType[type] }),
        type === "append" ? run : fc.constant({}),
        // Now and then something that does not belong there.
        fc.oneof({ weight: 5, arbitrary: fc.constant({}) }, fc.record(anything, { requiredKeys: [] })),
      ),
    );
    const hostile = oneOfType.map(([type, parts, more, odd]) =>
      message(0n, {
        ...(parts as Partial<Message>),
        ...more,
        ...(odd as Partial<Message>),
        type,
        to: parts.to as bigint,
      }),
    );
    let taken = 0;
    fc.assert(
      fc.property(fc.constantFrom(...roles), fc.array(hostile, { maxLength: 12 }), (role, messages) => {
        const node = inRole(role);
        for (const one of messages) {
          if (one.type === "snapshot") {
            if (node.problemOf(one) === undefined && one.term >= node.term) node.installSnapshot(one);
          } else {
            if (node.step(one) === undefined) taken++;
          }
          if (!node.hasReady()) continue;
          drive(node);
          node.tick();
        }
      }),
      { numRuns: 2_000 },
    );
    assert.ok(taken > 1_000, "hostile messages must be near enough to real ones");
  });
});
