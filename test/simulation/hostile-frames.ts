import { below, type Random } from "../../base/os/random.ts";
import type { StoreMember } from "../../store/create-member.ts";
import { message } from "../../store/raft/message.ts";
import type { Entry, Message } from "../../store/raft/types.ts";
import { decodeMessage, encodeMessage } from "../../store/transport/peer/message-codec.ts";
import type { Life } from "./machine.ts";
import type { Report } from "./report.ts";

const entry = (index: number, term: number, data = new Uint8Array(0)): Entry => ({
  index,
  term,
  type: "normal",
  data,
});
const unreadable = Uint8Array.of(0xff, 0xff, 0xff);

/** What a broken or hostile member may send that nobody may take, by what is wrong with it. */
const frames: Readonly<Record<string, (honest: Message) => Message>> = {
  "of the member itself": (honest) => ({ ...honest, type: "heartbeat", from: honest.to }),
  "of no term": (honest) => ({ ...honest, type: "heartbeat", term: 0 }),
  "of a term too far away": (honest) => ({ ...honest, type: "vote", term: 2 ** 50 }),
  "about an entry of a later term": (honest) => ({ ...honest, type: "append", logTerm: honest.term + 1 }),
  "with half an id": (honest) => ({ ...honest, type: "heartbeat", context: Uint8Array.of(1, 2, 3) }),
  "with a gap": (honest) => append(honest, [entry(honest.index + 2, honest.term)]),
  "with an entry of a later term": (honest) => append(honest, [entry(honest.index + 1, honest.term + 1)]),
  "with terms that fall": (honest) =>
    append({ ...honest, term: honest.term + 1 }, [
      entry(honest.index + 1, honest.term + 1),
      entry(honest.index + 2, honest.term),
    ]),
  "with an entry nobody can read": (honest) =>
    append(honest, [entry(honest.index + 1, honest.term, unreadable)]),
  "with entries in an answer": (honest) => ({
    ...honest,
    type: "appendResponse",
    entries: [entry(honest.index + 1, honest.term)],
  }),
  "with a snapshot's place and no state": (honest) => ({
    ...honest,
    type: "snapshot",
    snapshot: { index: 1_000_000, term: honest.term, conf: { voters: [honest.from], learners: [] } },
  }),
};

const append = (honest: Message, entries: readonly Entry[]): Message => ({
  ...honest,
  type: "append",
  logTerm: 0,
  entries,
});

/** Hands one of them to a member, which must refuse it and be as it was. Answers what it was. */
export function sendHostileFrame(
  life: Life,
  from: bigint,
  parts: { random: Random; report: Report },
): string {
  const { member, machine } = life;
  if (member === undefined) return "nothing";
  const names = Object.keys(frames);
  const name = names[below(parts.random, names.length)] as string;
  const { term, committed } = member.driver.status;
  const honest = message(from, {
    type: "heartbeat",
    to: life.id,
    term: Math.max(1, term),
    index: committed,
  });
  const bytes = encodeMessage((frames[name] as (honest: Message) => Message)(honest));
  const before = outlook(member);
  const isTaken = takes(member, bytes);
  if (isTaken) parts.report("hostile frames", `${machine.name} takes a message ${name}`);
  if (outlook(member) !== before)
    parts.report(
      "hostile frames",
      `a message ${name} makes of ${machine.name} ${outlook(member)}, which was ${before}`,
    );
  return name;
}

function takes(member: StoreMember, bytes: Uint8Array): boolean {
  try {
    member.fromPeers.onMessage(decodeMessage(bytes));
    return true;
  } catch {
    return false; // refused, as it should be
  }
}

function outlook({ driver, state }: StoreMember): string {
  const { role, leader, term, committed, lastIndex } = driver.status;
  return `${role} of ${leader.toString(16)} in term ${term}, ${committed} of ${lastIndex} committed, ${state.appliedIndex} applied`;
}
