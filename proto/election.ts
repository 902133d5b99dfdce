import { bytes, clampedInt64, message, nested, type Of, signedId } from "../base/protobuf.ts";
import { responseHeader } from "./etcd.ts";
import { keyValue } from "./mvcc.ts";

/** v3electionpb's Election service. */
export const leaderKey = message({
  name: bytes(1),
  key: bytes(2),
  rev: clampedInt64(3),
  lease: signedId(4),
});
export type LeaderKey = Of<typeof leaderKey>;
export const campaignRequest = message({ name: bytes(1), lease: signedId(2), value: bytes(3) });
export type CampaignRequest = Of<typeof campaignRequest>;
export const campaignResponse = message({
  header: nested(1, responseHeader),
  leader: nested(2, leaderKey),
});
export type CampaignResponse = Of<typeof campaignResponse>;
export const leaderRequest = message({ name: bytes(1) });
export type LeaderRequest = Of<typeof leaderRequest>;
export const leaderResponse = message({ header: nested(1, responseHeader), kv: nested(2, keyValue) });
export type LeaderResponse = Of<typeof leaderResponse>;
export const resignRequest = message({ leader: nested(1, leaderKey) });
export type ResignRequest = Of<typeof resignRequest>;
export const resignResponse = message({ header: nested(1, responseHeader) });
export type ResignResponse = Of<typeof resignResponse>;
export const proclaimRequest = message({ leader: nested(1, leaderKey), value: bytes(2) });
export type ProclaimRequest = Of<typeof proclaimRequest>;
export const proclaimResponse = message({ header: nested(1, responseHeader) });
export type ProclaimResponse = Of<typeof proclaimResponse>;
