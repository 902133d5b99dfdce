import { StatusError } from "../../../base/grpc/status.ts";
import type { Encodable } from "../../../base/protobuf.ts";
import type {
  CampaignRequest,
  CampaignResponse,
  LeaderKey,
  LeaderRequest,
  LeaderResponse,
  ProclaimRequest,
  ProclaimResponse,
  ResignRequest,
  ResignResponse,
} from "../../../proto/election.ts";
import type { ResponseHeader, TxnRequest } from "../../../proto/etcd.ts";
import { methods } from "../../../proto/etcd-methods.ts";
import type { OwnCalls } from "./own-calls.ts";
import { firstUnder, keyOf, leaseOf, prefixOf, untilFirst } from "./session.ts";

type Header = ResponseHeader | undefined;
type Place = Pick<LeaderKey, "key" | "rev" | "lease">;

/** Waits until this lease leads. Who stops waiting leaves nothing behind. */
export async function campaign(request: CampaignRequest, calls: OwnCalls): Promise<CampaignResponse> {
  const { name, value } = request;
  const lease = await leaseOf(request.lease, calls);
  const key = keyOf(name, lease);
  const { header, succeeded, responses } = await calls.ask(methods.txn, {
    compare: [{ key, target: "CREATE", result: "EQUAL", createRevision: 0 }],
    success: [{ requestPut: { key, value, lease } }],
    failure: [{ requestRange: { key } }],
  });
  const before = responses[0]?.responseRange?.kvs[0];
  const rev = succeeded ? (header?.revision ?? 0) : (before?.createRevision ?? 0);
  const place = { key, rev, lease };
  if (!succeeded && before !== undefined && Buffer.compare(before.value, value) !== 0)
    await proclaimOrResign(place, value, calls);
  try {
    await untilFirst(prefixOf(name), rev - 1, calls);
    calls.signal?.throwIfAborted();
  } catch (error) {
    if (calls.signal?.aborted) await giveUp(place, calls);
    throw error;
  }
  return { header, leader: { name, ...place } };
}

async function proclaimOrResign(place: Place, value: Uint8Array, calls: OwnCalls): Promise<void> {
  try {
    await announce(place, value, calls);
  } catch (error) {
    await giveUp(place, calls);
    throw error;
  }
}

/** A new value of who leads. */
export async function proclaim(request: ProclaimRequest, calls: OwnCalls): Promise<ProclaimResponse> {
  return { header: await announce(given(request.leader), request.value, calls) };
}

export async function resign(request: ResignRequest, calls: OwnCalls): Promise<ResignResponse> {
  return { header: await giveUp(given(request.leader), calls) };
}

export async function leader({ name }: LeaderRequest, calls: OwnCalls): Promise<LeaderResponse> {
  const { header, kvs } = await calls.ask(methods.range, firstUnder(prefixOf(name)));
  if (kvs[0] === undefined) throw new StatusError("UNKNOWN", "election: no leader");
  return { header, kv: kvs[0] };
}

function given(leader: LeaderKey | undefined): LeaderKey {
  if (leader === undefined) throw new StatusError("UNKNOWN", '"leader" field must be provided');
  return leader;
}

async function announce(place: Place, value: Uint8Array, calls: OwnCalls): Promise<Header> {
  const { key, lease } = place;
  const { header, succeeded } = await whileIn(place, { requestPut: { key, value, lease } }, calls);
  if (!succeeded) throw new StatusError("UNKNOWN", "election: not leader");
  return header;
}

async function giveUp(place: Place, calls: OwnCalls): Promise<Header> {
  return (await whileIn(place, { requestDeleteRange: { key: place.key } }, calls)).header;
}

type Op = NonNullable<Encodable<TxnRequest>["success"]>[number];

/** Does it where the key still is the one of that place. */
function whileIn({ key, rev }: Place, op: Op, calls: OwnCalls) {
  const compare = [{ key, target: "CREATE", result: "EQUAL", createRevision: rev } as const];
  return calls.ask(methods.txn, { compare, success: [op] });
}
