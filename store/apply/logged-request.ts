import type { Message } from "../../base/protobuf.ts";
import { varint64Bytes, varintBytes, writeVarint, writeVarint64 } from "../../base/varint.ts";
import { WireError, WireReader } from "../../base/wire.ts";
import { type InternalRaftRequest, internalRaftRequest, requestHeader } from "../../proto/etcd.ts";
import type { Requester } from "../auth/auth-state.ts";
import type { Entry } from "../raft/types.ts";
import type { StoreRequest } from "./apply-request.ts";

/** What a normal log entry says: an InternalRaftRequest as the one request it holds, the id under which its sender waits, and
 *  who asked, where authentication is on. */
export type LoggedRequest = StoreRequest & { readonly id: bigint; readonly by: Requester | undefined };

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
  "authenticate",
  "authEnable",
  "authDisable",
  "authUserAdd",
  "authUserDelete",
  "authUserChangePassword",
  "authUserGrantRole",
  "authUserRevokeRole",
  "authRoleAdd",
  "authRoleGrantPermission",
  "authRoleRevokePermission",
  "authRoleDelete",
  "authStatus",
  "authUserGet",
  "authUserList",
  "authRoleGet",
  "authRoleList",
  "clusterVersionSet",
  "clusterMemberAttrSet",
  "downgradeInfoSet",
] as const satisfies readonly RequestKind[];

const rows: ReadonlyMap<number, Row> = new Map(
  byRank.map((kind, rank) => [fieldOf(kind).number, { kind, message: messageOf(kind), rank }]),
);
const numberOf = Object.fromEntries(byRank.map((kind) => [kind, fieldOf(kind).number])) as Readonly<
  Record<RequestKind, number>
>;
const lengthDelimited = 2;
const headerTag = fieldOf("header").number * 8 + lengthDelimited;
const idTag = (requestHeader.fields.id?.number ?? 0) * 8;

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
  let by: Requester | undefined;
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
      // Pieces of one message are one message, put together.
      body = found === row && body !== undefined ? Buffer.concat([body, bytes]) : bytes;
      found = row;
    } else if (tag === headerTag) {
      const header = reader.bytes();
      id = idOf(header, id);
      if (saysMore(header)) by = requesterOf(header);
    } else reader.skip(tag & 7);
  }
  return found === undefined || body === undefined
    ? undefined
    : ({ id, kind: found.kind, body: found.message.decode(body), by } as LoggedRequest);
}

/** An entry's payload of a client's own bytes, which stay as they are. `take`: where what lives long gets its memory. `by`: who
 *  asks. */
export function encodeLoggedRequest(
  id: bigint,
  kind: RequestKind,
  body: Uint8Array,
  take: (lengthBytes: number) => Buffer,
  by?: Requester,
): Uint8Array {
  if (by !== undefined) return internalRaftRequest.encode({ header: headerOf(id, by), [kind]: body }, take);
  const bodyTag = numberOf[kind] * 8 + lengthDelimited;
  const idBytes = varint64Bytes(id);
  const headerBytes = 1 + idBytes;
  const data = take(
    varintBytes(bodyTag) + varintBytes(body.length) + body.length + varintBytes(headerTag) + 1 + headerBytes,
  );
  let at = writeVarint(data, writeVarint(data, 0, bodyTag), body.length);
  data.set(body, at);
  at = writeVarint(data, at + body.length, headerTag);
  data[at] = headerBytes;
  data[at + 1] = idTag;
  writeVarint64(data, at + 2, id);
  return data;
}

/** The header of a request, as a message. */
export function headerOf(id: bigint, by: Requester | undefined) {
  return by === undefined ? { id } : { id, username: by.name, authRevision: by.revision };
}

/** Whether a header says more than an id. */
function saysMore(header: Uint8Array): boolean {
  if (header[0] !== idTag) return header.length > 0;
  let at = 1;
  while ((header[at] ?? 0) >= 0x80) at += 1;
  return at + 1 < header.length;
}

function requesterOf(header: Uint8Array): Requester | undefined {
  const { username: name, authRevision: revision } = requestHeader.decode(header);
  return revision === 0 ? undefined : { name, revision };
}

/** The id in an entry's payload; 0 where it has none. Throws WireError. */
export function loggedId(data: Uint8Array): bigint {
  const reader = new WireReader(data);
  let id = 0n;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === headerTag) id = idOf(reader.bytes(), id);
    else reader.skip(tag & 7);
  }
  return id;
}

/** @param before The id in the pieces of the header before this one. */
function idOf(header: Uint8Array, before: bigint): bigint {
  const reader = new WireReader(header);
  let id = before;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag < 8) throw new WireError(`illegal tag ${tag}`);
    if (tag === idTag) id = reader.varintBig();
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
