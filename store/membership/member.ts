import { createHash } from "node:crypto";
import type { MemberId } from "../raft/types.ts";

export interface Member {
  readonly id: MemberId;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

/** etcd's id: the first 8 bytes of SHA-1 over the sorted peer URLs, the cluster token, and for a member that joins a
 *  running cluster the second it was added. */
export function memberIdOf(peerUrls: readonly string[], token: string, addedAtSeconds?: number): MemberId {
  const stamp = addedAtSeconds === undefined ? "" : String(addedAtSeconds);
  return firstEight(
    createHash("sha1")
      .update([...peerUrls].sort().join("") + token + stamp)
      .digest(),
  );
}

/** etcd's id of a cluster: the same over the sorted ids of the members it started with. */
export function clusterIdOf(ids: readonly MemberId[]): bigint {
  const bytes = Buffer.alloc(ids.length * 8);
  const sorted = [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [at, id] of sorted.entries()) bytes.writeBigUInt64BE(id, at * 8);
  return firstEight(createHash("sha1").update(bytes).digest());
}

const firstEight = (digest: Buffer): bigint => digest.readBigUInt64BE(0);

/** The context of a membership change as etcd writes it. Ids are 64-bit numbers in it, which JSON.stringify cannot say. */
export function memberJson(member: Member, options: { readonly isPromote?: boolean } = {}): Uint8Array {
  const { id, name, peerUrls, clientUrls, isLearner } = member;
  const fields = [`"id":${id}`, `"peerURLs":${JSON.stringify(peerUrls)}`];
  if (isLearner) fields.push('"isLearner":true');
  if (name !== "") fields.push(`"name":${JSON.stringify(name)}`);
  if (clientUrls.length > 0) fields.push(`"clientURLs":${JSON.stringify(clientUrls)}`);
  if (options.isPromote) fields.push('"isPromote":true');
  return Buffer.from(`{${fields.join(",")}}`);
}

/** Reads what `memberJson` writes, or etcd. Throws on anything else. */
export function readMemberJson(context: Uint8Array): Member & { readonly isPromote: boolean } {
  const text = Buffer.from(context).toString("utf8");
  // The id does not fit a JavaScript number, so it is taken from the text before that is parsed.
  const id = /"id":\s*(\d+)/.exec(text);
  const fields: unknown = JSON.parse(text);
  if (id === null || typeof fields !== "object" || fields === null)
    throw new Error(`not a member: ${text.slice(0, 200)}`);
  const field = (name: string): unknown => (fields as Record<string, unknown>)[name];
  const urls = (name: string) => {
    const value = field(name) ?? [];
    if (!Array.isArray(value)) throw new Error(`${name} of a member is not a list: ${text.slice(0, 200)}`);
    return value.map(String);
  };
  return {
    id: BigInt(id[1] ?? "0"),
    name: String(field("name") ?? ""),
    peerUrls: urls("peerURLs"),
    clientUrls: urls("clientURLs"),
    isLearner: field("isLearner") === true,
    isPromote: field("isPromote") === true,
  };
}
