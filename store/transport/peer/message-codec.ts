import { WireError, WireReader } from "../../../base/wire.ts";
import { confState, messageTypes, peerMessage, snapshot, type WireRaftMessage } from "../../../proto/raft.ts";
import { noBytes } from "../../raft/message.ts";
import type { Entry, Message, MessageType, SnapshotMeta } from "../../raft/types.ts";
import { encodeEntries } from "./entry-block.ts";

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
const types: readonly (MessageType | undefined)[] = Object.entries(wireTypes).reduce(
  (all, [type, wire]) => Object.assign(all, { [messageTypes[wire]]: type }),
  [],
);

/** A message as raftpb bytes in two parts, of which the second is the same for all who are sent the same entries. */
export interface MessageParts {
  readonly head: Uint8Array;
  readonly entries: Uint8Array;
}

/** Puts raft's messages into raftpb bytes, the same entries once for all peers. */
export class MessageEncoder {
  #entries: readonly Entry[] = [];
  #block: Uint8Array = noBytes;

  encode(message: Message): MessageParts {
    const { entries } = message;
    if (entries.length === 0) return { head: encodeHead(message), entries: noBytes };
    if (entries !== this.#entries) {
      this.#block = encodeEntries(entries);
      this.#entries = entries;
    }
    return { head: encodeHead(message), entries: this.#block };
  }
}

/** raft's message as raftpb bytes. */
export function encodeMessage(message: Message): Uint8Array {
  return Buffer.concat([encodeHead(message), encodeEntries(message.entries)]);
}

/** All but the entries, whose place among the fields is free. */
function encodeHead(message: Message): Uint8Array {
  const { to, from, term, logTerm, index, commit, reject, rejectHint, context, commitTerm } = message;
  return peerMessage.encode({
    type: wireTypes[message.type],
    to,
    from,
    term,
    logTerm,
    index,
    commit,
    reject,
    rejectHint,
    context: context.length === 0 ? undefined : context,
    commitTerm,
    snapshot: message.snapshot && { metadata: wireMeta(message.snapshot) },
  });
}

function wireMeta({ index, term, conf }: SnapshotMeta) {
  const { voters, learners } = conf;
  return { index, term, confState: confState.encode({ voters, learners }) };
}

/** Throws on bytes that are no message this member understands. The bytes must not change afterwards. Read by hand: every entry
 *  passes here. */
export function decodeMessage(bytes: Uint8Array): Message {
  const reader = new WireReader(bytes);
  const entries: Entry[] = [];
  let type = types[0];
  let to = 0n;
  let from = 0n;
  let term = 0;
  let logTerm = 0;
  let index = 0;
  let commit = 0;
  let reject = false;
  let rejectHint = 0;
  let context: Uint8Array = noBytes;
  let meta: SnapshotMeta | undefined;
  let commitTerm: number | undefined;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    switch (tag) {
      case 0x08:
        type = messageType(reader.varintLow());
        break;
      case 0x10:
        to = reader.varintBig();
        break;
      case 0x18:
        from = reader.varintBig();
        break;
      case 0x20:
        term = reader.varint();
        break;
      case 0x28:
        logTerm = reader.varint();
        break;
      case 0x30:
        index = reader.varint();
        break;
      case 0x3a:
        entries.push(decodeEntry(reader));
        break;
      case 0x40:
        commit = reader.varint();
        break;
      case 0x4a:
        meta = decodeMeta(reader.bytes());
        break;
      case 0x50:
        reject = reader.varintBig() !== 0n;
        break;
      case 0x58:
        rejectHint = reader.varint();
        break;
      case 0x62:
        context = reader.bytes();
        break;
      case 0x320:
        commitTerm = reader.varint();
        break;
      default:
        skip(reader, tag);
    }
  }
  if (type === undefined) throw new Error(`a peer sent a message of type ${messageTypes.HUP}`);
  const message = { type, to, from, term, logTerm, index, entries, commit, reject, rejectHint, context };
  if (meta === undefined && commitTerm === undefined) return message;
  return { ...message, ...(meta && { snapshot: meta }), ...(commitTerm !== undefined && { commitTerm }) };
}

function messageType(number: number): MessageType {
  const type = types[number];
  if (type === undefined) throw new Error(`a peer sent a message of type ${number}`);
  return type;
}

/** Of the field that begins here. */
function decodeEntry(message: WireReader): Entry {
  const lengthBytes = message.varintClamped();
  const end = message.position + lengthBytes;
  if (lengthBytes < 0 || end > message.end)
    throw new WireError("field reaches past the end of its message", "cut");
  const reader = new WireReader(message.buffer, message.position, end);
  message.position = end;
  let type: Entry["type"] = "normal";
  let term = 0;
  let index = 0;
  let data: Uint8Array = noBytes;
  while (reader.position < end) {
    const tag = reader.varint();
    if (tag === 0x08) type = entryType(reader.varintLow());
    else if (tag === 0x10) term = reader.varint();
    else if (tag === 0x18) index = reader.varint();
    else if (tag === 0x22) data = reader.bytes();
    else skip(reader, tag);
  }
  return { term, index, type, data, content: undefined };
}

function entryType(number: number): Entry["type"] {
  if (number === 0) return "normal";
  if (number === 1) return "confChange";
  throw new Error(
    number === 2 ? "a peer sent a joint membership change" : `a peer sent an entry of type ${number}`,
  );
}

function decodeMeta(bytes: Uint8Array): SnapshotMeta | undefined {
  const { metadata } = snapshot.decode(bytes);
  if (metadata === undefined) return undefined;
  const conf = {
    voters: metadata.confState?.voters ?? [],
    learners: metadata.confState?.learners ?? [],
  };
  return { index: metadata.index, term: metadata.term, conf };
}

function skip(reader: WireReader, tag: number): void {
  if (tag < 8) throw new WireError(`illegal tag ${tag}`);
  reader.skip(tag & 7);
}
