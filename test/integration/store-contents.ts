import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Client, credentials } from "@grpc/grpc-js";
import type { Random } from "../../base/os/random.ts";
import type { Message } from "../../base/protobuf.ts";
import {
  compactionRequest,
  deleteRangeRequest,
  type InternalRaftRequest,
  leaseGrantRequest,
  leaseRevokeRequest,
  putRequest,
  type RequestOp,
  rangeRequest,
  txnRequest,
} from "../../proto/etcd.ts";
import { RandomRequests } from "../model/random-requests.ts";

const methods: Partial<Record<keyof InternalRaftRequest, readonly [path: string, request: Message<object>]>> =
  {
    put: ["KV/Put", putRequest as Message<object>],
    range: ["KV/Range", rangeRequest as Message<object>],
    deleteRange: ["KV/DeleteRange", deleteRangeRequest as Message<object>],
    txn: ["KV/Txn", txnRequest as Message<object>],
    compaction: ["KV/Compact", compactionRequest as Message<object>],
    leaseGrant: ["Lease/LeaseGrant", leaseGrantRequest as Message<object>],
    leaseRevoke: ["Lease/LeaseRevoke", leaseRevokeRequest as Message<object>],
  };

/** Writes a history by chance: puts, deletions, transactions, leases, compactions. Requests that are refused are part of it.
 *  No compaction is at revision 0: etcd 3.7 then answers a hash at "the newest revision", which is 0 too, with that of no row. */
export async function writeHistory(
  endpoint: string,
  random: Random,
  count: number,
  isTaken: (request: InternalRaftRequest) => boolean = () => true,
): Promise<void> {
  const client = new Client(endpoint.replace("http://", ""), credentials.createInsecure());
  const same = (bytes: Uint8Array) => Buffer.from(bytes);
  const requests = new RandomRequests(random);
  try {
    for (let at = 0; at < count; at++) {
      requests.revision = 1 + Math.floor(at / 2);
      const request = requests.next();
      if (request.compaction?.revision === 0 || !isTaken(request)) continue;
      for (const [kind, body] of Object.entries(request)) {
        const method = methods[kind as keyof InternalRaftRequest];
        if (method === undefined || body === undefined) continue;
        // Leases outlive the test.
        const sent = kind === "leaseGrant" ? { ...body, ttl: 9_000 } : body;
        await new Promise<void>((resolve) => {
          const bytes = method[1].encode(sent as object);
          client.makeUnaryRequest(`/etcdserverpb.${method[0]}`, same, same, bytes, () => resolve());
        });
      }
    }
  } finally {
    client.close();
  }
}

/** No range in its transaction can be refused. */
export function hasNoPastRange({ txn }: InternalRaftRequest): boolean {
  const isPast = ({ requestRange, requestTxn }: RequestOp): boolean =>
    (requestRange?.revision ?? 0) > 0 ||
    [...(requestTxn?.success ?? []), ...(requestTxn?.failure ?? [])].some(isPast);
  return ![...(txn?.success ?? []), ...(txn?.failure ?? [])].some(isPast);
}

const run = promisify(execFile);

/** etcdctl against one member; rejects where it fails. */
export async function etcdctl(endpoint: string, ...words: readonly string[]): Promise<string> {
  const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
  const { stdout } = await run("etcdctl", [`--endpoints=${endpoint}`, ...words], { env });
  return stdout;
}

/** What a store holds as its clients see it; equal where no data was lost or changed on the way. */
export interface Contents {
  readonly revision: number;
  readonly hash: { readonly hash: number; readonly compactRevision: number };
  readonly keys: unknown;
  /** Each lease with its granted time and its keys. */
  readonly leases: unknown;
}

export async function contentsOf(endpoint: string): Promise<Contents> {
  const json = async (...words: string[]) => JSON.parse(await etcdctl(endpoint, ...words, "-w", "json"));
  const all = await json("get", "", "--prefix");
  const [{ HashKV }] = await json("endpoint", "hashkv");
  const ids: string[] = (await etcdctl(endpoint, "lease", "list"))
    .split("\n")
    .slice(1)
    .filter((line) => line !== "");
  const leases: unknown[] = [];
  for (const id of ids.sort()) {
    const { "granted-ttl": ttl, keys } = await json("lease", "timetolive", id, "--keys");
    leases.push({ id, ttl, keys: [...(keys ?? [])].sort() });
  }
  return {
    revision: all.header.revision,
    hash: { hash: HashKV.hash, compactRevision: HashKV.compact_revision },
    keys: all.kvs ?? [],
    leases,
  };
}
