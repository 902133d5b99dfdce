import { forger, type Step } from "./conversation.ts";
import type { Peer } from "./peers.ts";
import type { Told } from "./raw-client.ts";
import type { Asked } from "./requests.ts";

interface Sides {
  readonly own: Told;
  readonly theirs: Told;
}
type Rule = (told: Told, asked: Asked) => Told;

/** Both answers without what differs on purpose: ours answers as 3.7 does, but for what is said here. */
export function settled({ minor }: Peer, asked: Asked, { own, theirs }: Sides): Sides {
  if (minor !== "3.7" && asked.method === "hashKv") return { own, theirs: own };
  if (isHashOfNothing(asked, theirs)) return { own, theirs: own };
  // 3.4 looks at all puts of a transaction before it looks at ranges, so that it may tell another of two faults.
  if (minor === "3.4" && asked.method === "txn" && "code" in own && "code" in theirs)
    return { own, theirs: own };
  const rules = minor === "3.7" ? [withLeaseApart, withoutLeases] : [withLeaseApart];
  const apply = (told: Told) => rules.reduce((kept, rule) => rule(kept, asked), told);
  return { own: apply(own), theirs: apply(theirs) };
}

/** 3.4 lets pass what later releases closed: compactions, leases, watches, and comparisons and ranges of transactions to which a
 *  user has no right; it refuses tokens that nobody gave out also where nobody needs one; it has no status of users, and tells no
 *  permission of root's. */
export function isCompared({ minor }: Peer, { by, asked: { method, request } }: Step): boolean {
  if (minor !== "3.4") return true;
  if (by === forger || looseIn34.test(method)) return false;
  return method !== "roleGet" || (request as { role: string }).role !== "root";
}

const looseIn34 = /^(lease|watch$|txn$|compact$|auth(Status|Enable|Disable)$|alarm$)/;

/** Once it was asked to compact at revision 0, 3.7 takes the hash of that compaction for the newest. */
function isHashOfNothing({ method }: Asked, theirs: Told): boolean {
  return method === "hashKv" && "answer" in theirs && "hashRevision" in theirs.answer
    ? theirs.answer.hashRevision === 0
    : false;
}

/** The keys of a lease stand in the order of one of Go's maps, which have none; and both sides do not count down in step. */
const withLeaseApart: Rule = (told, { method }) => {
  if (method !== "leaseTimeToLive" || !("answer" in told)) return told;
  const { keys, ttl } = told.answer as { keys: readonly Uint8Array[]; ttl: number };
  return { answer: { ...told.answer, keys: keys.toSorted(Buffer.compare), ttl: Math.sign(ttl) } };
};

/** 3.7 leaves out the lease of a key whose value is not asked for. */
const withoutLeases: Rule = (told, { request }) =>
  JSON.stringify(request, noBigInt).includes('"keysOnly":true') && "answer" in told
    ? { answer: eachKeyValue(told.answer, ({ lease: _, ...rest }) => rest) }
    : told;

const noBigInt = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

/** Changes each key-value wherever it stands in an answer. */
function eachKeyValue(answer: object, change: (kv: Record<string, unknown>) => object): object {
  if (answer instanceof Uint8Array) return answer;
  if (Array.isArray(answer)) return answer.map((element) => inner(element, change));
  const fields = Object.entries(answer).map(([name, value]) => [name, inner(value, change)] as const);
  const changed: Record<string, unknown> = Object.fromEntries(fields);
  return "modRevision" in changed && "lease" in changed ? change(changed) : changed;
}

const inner = (value: unknown, change: (kv: Record<string, unknown>) => object): unknown =>
  typeof value === "object" && value !== null ? eachKeyValue(value, change) : value;
