import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { assert } from "../../base/assert.ts";
import { latin1Bytes, utf8 } from "../../base/wire.ts";
import type { View } from "../backend/backend.ts";
import { type BoltPlan, type BucketPlan, type PlannedPage, planBolt } from "./bolt-layout.ts";
import { branchPage, bucketHead, freelistPage, type LeafElement, leafPage, metaPage } from "./bolt-pages.ts";
import { type ViewStream, viewStream } from "./view-stream.ts";

const freelistId = 2;
const chunkBytes = 256 * 1024;
const rowsPerRead = 1_000;

/** The view as etcd's database file followed by the file's SHA-256: what `etcdctl snapshot save` stores and etcd's tools
 *  restore. Walks the view twice (sizes first), in bounded memory; closes it at the end or when the reader gives up. */
export function boltSnapshot(view: View): ViewStream {
  return viewStream(view, boltChunks);
}

async function* boltChunks(view: View): AsyncIterable<Uint8Array> {
  const hash = createHash("sha256");
  let pending: Uint8Array[] = [];
  let size = 0;
  const plan = await planBolt(view);
  for await (const page of filePages(view, plan)) {
    pending.push(page);
    size += page.length;
    if (size < chunkBytes) continue;
    const chunk = Buffer.concat(pending);
    hash.update(chunk);
    yield chunk;
    await nextTurn(); // pages of what is in memory, as all branches are, come without a wait
    [pending, size] = [[], 0];
  }
  const last = Buffer.concat(pending);
  hash.update(last);
  if (last.length > 0) yield last;
  yield hash.digest();
}

async function* filePages(view: View, plan: BoltPlan): AsyncIterable<Uint8Array> {
  const { rootPage: root, pages, buckets } = plan;
  // bbolt reads the one of the two with the higher transaction.
  yield metaPage(0, { root, freelist: freelistId, pages, transaction: 0 });
  yield metaPage(1, { root, freelist: freelistId, pages, transaction: 1 });
  yield freelistPage(freelistId);
  for (const bucket of buckets) {
    yield* leafPages(view, bucket);
    yield* branchPages(bucket);
  }
  yield leafPage(
    root,
    buckets.map((one) => ({ key: utf8(one.bucket), value: bucketHead(one.root), isBucket: true })),
  );
}

async function* leafPages(view: View, { bucket, leaves }: BucketPlan): AsyncIterable<Uint8Array> {
  let at = 0;
  let elements: LeafElement[] = [];
  for await (const rows of view.pages(bucket, {}, rowsPerRead)) {
    for (const { key, value } of rows) {
      elements.push({ key: latin1Bytes(key), value });
      const leaf = leaves[at];
      assert(leaf !== undefined, "bolt: the view grew while it was written");
      if (elements.length < leaf.elements) continue;
      yield leafPage(leaf.id, elements);
      elements = [];
      at++;
    }
  }
  const [only] = leaves;
  if (only?.elements === 0) yield leafPage(only.id, []);
  else assert(at === leaves.length, "bolt: the view shrank while it was written");
}

function* branchPages({ leaves, branches }: BucketPlan): Iterable<Uint8Array> {
  let below: readonly PlannedPage[] = leaves;
  for (const level of branches) {
    let at = 0;
    for (const { id, elements } of level) {
      const children = below.slice(at, at + elements);
      yield branchPage(
        id,
        children.map((child) => ({ key: latin1Bytes(child.firstKey), page: child.id })),
      );
      at += elements;
    }
    below = level;
  }
}
