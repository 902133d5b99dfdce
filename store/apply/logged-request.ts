import type { Message } from "../../base/protobuf.ts";
import { WireError, WireReader } from "../../base/wire.ts";
import { type InternalRaftRequest, internalRaftRequest, requestHeader } from "../../proto/etcd.ts";
import type { Entry } from "../raft/types.ts";
import type { StoreRequest } from "./apply-request.ts";

/** What a normal log entry says: an InternalRaftRequest as the one request it holds, and the id under which its sender waits. */
export type LoggedRequest = StoreRequest & { readonly id: bigint };

export type RequestKind = Exclude<keyof InternalRaftRequest, "header">;

interface Row {
  readonly kind: RequestKind;
  readonly message: Message<object>;
  /** Of several kinds in one entry the first in this order counts. */
  readonly rank: number;
}

const byRank = [
  "put",
  "txn",
  "range",
  "deleteRange",
  "compaction",
  "leaseGrant",
  "leaseRevoke",
  "leaseCheckpoint",
  "alarm",
  "clusterVersionSet",
  "clusterMemberAttrSet",
] as const satisfies readonly RequestKind[];

const rows: ReadonlyMap<number, Row> = new Map(
  byRank.map((kind, rank) => [fieldOf(kind).number, { kind, message: messageOf(kind), rank }]),
);
const headerNumber = fieldOf("header").number;
const idNumber = requestHeader.fields.id?.number;
const lengthDelimited = 2;

function fieldOf(name: keyof InternalRaftRequest) {
  const field = internalRaftRequest.fields[name];
  if (field === undefined) throw new TypeError(`InternalRaftRequest has no field ${name}`);
  return field;
}

function messageOf(kind: RequestKind): Message<object> {
  const { json } = fieldOf(kind);
  if (json.kind !== "message") throw new TypeError(`${kind} is no message`);
  return json.type();
}

/** Reads an entry's payload; undefined where it holds no request that this version knows. A request is read as deep as a
 *  client's own call is, so that none gets into the log that cannot be read out of it. Throws WireError. */
export function decodeLoggedRequest(data: Uint8Array): LoggedRequest | undefined {
  const reader = new WireReader(data);
  let id = 0n;
  let found: Row | undefined;
  let body: Uint8Array | undefined;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw new WireError(`illegal tag ${tag}`);
    const isNested = (tag & 7) === lengthDelimited;
    const row = isNested ? rows.get(number) : undefined;
    if (row !== undefined) {
      const bytes = reader.bytes();
      if (found !== undefined && found.rank < row.rank) continue;
      found = row;
      body = bytes;
    } else if (isNested && number === headerNumber) id = idOf(reader.bytes());
    else reader.skip(tag & 7);
  }
  return found === undefined || body === undefined
    ? undefined
    : ({ id, kind: found.kind, body: found.message.decode(body) } as LoggedRequest);
}

/** The id in an entry's payload; 0 where it has none. Throws WireError. */
export function loggedId(data: Uint8Array): bigint {
  const reader = new WireReader(data);
  let id = 0n;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === headerNumber * 8 + lengthDelimited) id = idOf(reader.bytes());
    else reader.skip(tag & 7);
  }
  return id;
}

function idOf(header: Uint8Array): bigint {
  const reader = new WireReader(header);
  let id = 0n;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag < 8) throw new WireError(`illegal tag ${tag}`);
    if (tag === (idNumber ?? 0) * 8) id = reader.varintBig();
    else reader.skip(tag & 7);
  }
  return id;
}

/** What an entry says; read once in its life here, and kept with it until it is applied. Throws WireError. */
export function loggedRequest(entry: Entry): LoggedRequest | undefined {
  // Only this file and the proposer put something there.
  entry.content ??= decodeLoggedRequest(entry.data);
  return entry.content as LoggedRequest | undefined;
}
