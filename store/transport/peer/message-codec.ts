import { confState, raftMessage, type WireRaftMessage } from "../../../proto/raft.ts";
import type { Entry, Message, MessageType } from "../../raft/types.ts";

type WireType = WireRaftMessage["type"];

const wireTypes = {
  append: "APP",
  appendResponse: "APP_RESP",
  vote: "VOTE",
  voteResponse: "VOTE_RESP",
  preVote: "PRE_VOTE",
  preVoteResponse: "PRE_VOTE_RESP",
  heartbeat: "HEARTBEAT",
  heartbeatResponse: "HEARTBEAT_RESP",
  snapshot: "SNAP",
  timeoutNow: "TIMEOUT_NOW",
  readIndex: "READ_INDEX",
  readIndexResponse: "READ_INDEX_RESP",
  propose: "PROP",
} as const satisfies Record<MessageType, WireType>;
const types = new Map<WireType, MessageType>(
  Object.entries(wireTypes).map(([type, wire]) => [wire, type as MessageType]),
);

/** raft's message as raftpb bytes. */
export function encodeMessage(message: Message): Uint8Array {
  const { to, from, term, logTerm, index, commit, reject, rejectHint, context, snapshot } = message;
  return raftMessage.encode({
    type: wireTypes[message.type],
    to,
    from,
    term,
    logTerm,
    index,
    entries: message.entries.map((entry) => ({
      type: entry.type === "normal" ? "NORMAL" : "CONF_CHANGE",
      term: entry.term,
      index: entry.index,
      data: entry.data,
    })),
    commit,
    reject,
    rejectHint,
    context: context.length === 0 ? undefined : context,
    snapshot:
      snapshot === undefined
        ? undefined
        : {
            metadata: {
              index: snapshot.index,
              term: snapshot.term,
              confState: confState.encode({ voters: snapshot.conf.voters, learners: snapshot.conf.learners }),
            },
          },
  });
}

/** Throws on bytes that are no message this member understands. The bytes must not change afterwards. */
export function decodeMessage(bytes: Uint8Array): Message {
  const wire = raftMessage.decode(bytes);
  const type = types.get(wire.type);
  if (type === undefined) throw new Error(`a peer sent a message of type ${wire.type}`);
  const { to, from, term, logTerm, index, commit, reject, rejectHint } = wire;
  const context = wire.context ?? new Uint8Array(0);
  const entries = wire.entries.map((entry): Entry => {
    if (entry.type === "CONF_CHANGE_V2") throw new Error("a peer sent a joint membership change");
    const data = entry.data ?? new Uint8Array(0);
    return {
      type: entry.type === "NORMAL" ? "normal" : "confChange",
      term: entry.term,
      index: entry.index,
      data,
    };
  });
  const message = { type, to, from, term, logTerm, index, entries, commit, reject, rejectHint, context };
  const meta = wire.snapshot?.metadata;
  if (meta === undefined) return message;
  const conf = { voters: meta.confState?.voters ?? [], learners: meta.confState?.learners ?? [] };
  return { ...message, snapshot: { index: meta.index, term: meta.term, conf } };
}
