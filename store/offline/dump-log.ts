import { join } from "node:path";
import type { Disk } from "../../base/os/disk.ts";
import type { Message } from "../../base/protobuf.ts";
import { toJson } from "../../base/protobuf-json.ts";
import { internalRaftRequest } from "../../proto/etcd.ts";
import { entry as entryCodec, hardState } from "../../proto/raft.ts";
import { walMetadata, walSnapshot } from "../../proto/wal.ts";
import { decodeConfChange } from "../driver/conf-change-wire.ts";
import { readMemberJson } from "../membership/member.ts";
import { WalDamageError } from "../wal/damage.ts";
import { FileWindow } from "../wal/file-window.ts";
import { parseSegmentName } from "../wal/segment-name.ts";
import { type Scanned, SegmentScan } from "../wal/segment-scan.ts";
import { translateV2Request } from "./v2-request.ts";

/** One record of a log, for people and programs. */
export interface DumpedRecord {
  readonly segment: string;
  /** Where its frame begins. */
  readonly offset: number;
  readonly type: "metadata" | "entry" | "state" | "snapshot";
  readonly content: unknown;
}

/** All records of a log but its checksums, in order; of this store's or etcd's. Changes nothing, and may look at a running
 *  member's. Throws WalDamageError where what comes next is no record. */
export async function* dumpLog(folder: string, disk: Disk): AsyncIterable<DumpedRecord> {
  let chain: number | undefined;
  for (const segment of await disk.list(folder)) {
    if (parseSegmentName(segment) === undefined) continue;
    const file = await disk.open(join(folder, segment));
    try {
      const window = await FileWindow.open(file);
      const scan = new SegmentScan(window, chain);
      for await (const record of recordsOf(window, scan)) {
        const { type, data, offset } = record;
        if (type !== "CRC") yield { segment, offset, ...shown[type](data) };
      }
      chain = scan.chain;
    } finally {
      await file.close();
    }
  }
}

type Record = Scanned & { readonly kind: "record" };

async function* recordsOf(window: FileWindow, scan: SegmentScan): AsyncIterable<Record> {
  for (;;) {
    const scanned = scan.next();
    if (scanned.kind === "end") return;
    if (scanned.kind === "bad") throw new WalDamageError(window.path, scanned.offset, scanned.problem);
    if (scanned.kind === "beyond") await window.move(scanned.offset, scanned.lengthBytes);
    else yield scanned;
  }
}

const decoded = <T extends object>(codec: Message<T>, data: Uint8Array) =>
  toJson(codec as Message<object>, codec.decode(data));

const shown = {
  METADATA: (data: Uint8Array) => ({ type: "metadata", content: decoded(walMetadata, data) }) as const,
  STATE: (data: Uint8Array) => ({ type: "state", content: decoded(hardState, data) }) as const,
  SNAPSHOT: (data: Uint8Array) => ({ type: "snapshot", content: decoded(walSnapshot, data) }) as const,
  ENTRY: (data: Uint8Array) => ({ type: "entry", content: entryContent(data) }) as const,
} as const;

function entryContent(bytes: Uint8Array) {
  const { type, term, index, data } = entryCodec.decode(bytes);
  return { index, term, ...requestOf(type, data ?? new Uint8Array(0)) };
}

/** An entry that says nothing begins a leader's term. What cannot be read is shown as it is. */
function requestOf(type: string, data: Uint8Array): object {
  try {
    if (type !== "NORMAL") return { change: changeOf(data) };
    if (data.length === 0) return {};
    return { request: toJson(internalRaftRequest as Message<object>, readable(data)) };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { unreadable: Buffer.from(data).toString("base64"), problem };
  }
}

function readable(data: Uint8Array): object {
  const request = internalRaftRequest.decode(translateV2Request(data) ?? data);
  const { authenticate, authUserAdd, authUserChangePassword } = request;
  // Nobody reads passwords, not even as hashes, who only wants to know what happened.
  for (const secret of [authenticate, authUserAdd, authUserChangePassword])
    if (secret !== undefined) Object.assign(secret, hidden);
  return request;
}

const hidden = { password: "", hashedPassword: "", simpleToken: "" } as const;

function changeOf(data: Uint8Array): object {
  const { type, nodeId, context } = decodeConfChange(data);
  const member = context.length === 0 ? {} : { member: withTextId(readMemberJson(context)) };
  return { type, nodeId: nodeId.toString(16), ...member };
}

function withTextId({ id, ...rest }: ReturnType<typeof readMemberJson>): object {
  return { id: id.toString(16), ...rest };
}
