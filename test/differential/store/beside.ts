import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { latin1 } from "../../../base/wire.ts";
import { type StoreProcesses, startStoreProcesses } from "../../integration/etcd-processes.ts";
import { etcdPeers, ours, type Peer } from "./peers.ts";
import { RawClient } from "./raw-client.ts";

export const seed = Number(process.env.DIFFERENTIAL_SEED ?? 1);
/** What there is of each kind is so many times as much. */
export const rounds = Number(process.env.DIFFERENTIAL_ROUNDS ?? 3);

/** One store of the two. */
export interface Side {
  readonly store: StoreProcesses;
  readonly client: RawClient;
  /** Like `http://127.0.0.1:2379`. */
  readonly endpoint: string;
}
/** Ours and theirs, while they run. */
export interface Pair {
  readonly own: Side;
  readonly theirs: Side;
}

/** Tests beside each etcd: `body` is called for each, and what it gets gives the two while a test runs. */
export function besideEach(
  { what, flags = [], versions = ["3.4", "3.7"] }: What,
  body: (pair: () => Pair, peer: Peer) => void,
): void {
  for (const peer of etcdPeers().filter(({ minor }) => versions.includes(minor)))
    describe(`${what} beside etcd ${peer.minor} (seed ${seed})`, function () {
      this.timeout(600_000);
      let pair: Pair | undefined;
      before(async () => {
        pair = await startPair(peer, flags);
      });
      after(async () => {
        if (pair !== undefined) await stopPair(pair);
      });
      body(() => pair as Pair, peer);
    });
}

interface What {
  readonly what: string;
  /** Of both. */
  readonly flags?: readonly string[];
  /** Like "3.7"; absent: all. */
  readonly versions?: readonly string[];
}

/** Both at their beginning. */
export async function startPair({ program }: Peer, flags: readonly string[]): Promise<Pair> {
  const [own, theirs] = await Promise.all([ours, [program]].map((command) => startSide(command, flags)));
  assert.ok(own !== undefined && theirs !== undefined, "two sides");
  return { own, theirs };
}

export async function stopPair({ own, theirs }: Pair): Promise<void> {
  await Promise.all([own, theirs].map(stopSide));
}

async function startSide(command: readonly string[], flags: readonly string[]): Promise<Side> {
  const store = await startStoreProcesses(1, command, flags);
  const [endpoint = ""] = store.endpoints;
  return { store, endpoint, client: new RawClient(endpoint) };
}

async function stopSide({ client, store }: Side): Promise<void> {
  client.close();
  await store.stop();
}

/** The same of both, at the same time. Where one alone waits for an answer in vain, that is what it answers. */
export async function both<T>({ own, theirs }: Pair, ask: (side: Side) => Promise<T>) {
  const [ofOwn, ofTheirs] = await Promise.allSettled([ask(own), ask(theirs)]);
  if (ofOwn.status === "rejected" && ofTheirs.status === "rejected") throw ofTheirs.reason;
  return { own: outcome(ofOwn), theirs: outcome(ofTheirs) };
}

const outcome = <T>(of: PromiseSettledResult<T>): T =>
  of.status === "fulfilled" ? of.value : ({ inVain: String(of.reason) } as T);

/** A step or an answer as a failure tells it: bytes as text, many as their digest. */
const shown = (step: unknown): string => JSON.stringify(readable(step));

function readable(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (value instanceof Uint8Array) return value.length > 100 ? digest(value) : latin1(value);
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, readable(inner)]));
}

const digest = (bytes: Uint8Array) =>
  `${bytes.length} bytes ${createHash("sha256").update(bytes).digest("hex").slice(0, 8)}`;

/** @param before All that was asked of both since they were alike, the last one included. */
export function assertAlike(
  { own, theirs }: { readonly own: unknown; readonly theirs: unknown },
  before: readonly object[],
): void {
  assert.deepEqual(
    readable(own),
    readable(theirs),
    `ours differs (+) at the last of\n${before.map(shown).join("\n")}`,
  );
}
