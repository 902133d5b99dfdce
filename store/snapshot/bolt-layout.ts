import { type Bucket, bucketNames, type View } from "../backend/backend.ts";
import { elementBytes, pageBytes, pageHeadBytes, pagesOf } from "./bolt-pages.ts";

/** The first page after two meta pages and the freelist. */
export const firstDataPage = 3;
const rowsPerRead = 1_000;

/** A page-to-be: where it begins, what it begins with, how many elements it holds. */
export interface PlannedPage {
  readonly id: number;
  /** A byte string. */
  readonly firstKey: string;
  readonly elements: number;
}
export interface BucketPlan {
  readonly bucket: Bucket;
  readonly leaves: readonly PlannedPage[];
  /** Levels above the leaves, the root's last; each branch's children are the next ones of the level below. */
  readonly branches: readonly (readonly PlannedPage[])[];
  readonly root: number;
}
export interface BoltPlan {
  /** In the order in which their pages lie. */
  readonly buckets: readonly BucketPlan[];
  readonly rootPage: number;
  readonly pages: number;
}

/** Decides, in one walk over the view, which page holds what, so that the file can then be written front to back. */
export async function planBolt(view: View): Promise<BoltPlan> {
  let next = firstDataPage;
  const buckets: BucketPlan[] = [];
  for (const bucket of [...bucketNames].sort()) {
    const plan = await planBucket(view, bucket, next);
    buckets.push(plan.plan);
    next = plan.next;
  }
  const rootBytes = buckets.reduce(
    (sum, { bucket }) => sum + elementBytes + bucket.length + 16,
    pageHeadBytes,
  );
  return { buckets, rootPage: next, pages: next + pagesOf(rootBytes) };
}

async function planBucket(view: View, bucket: Bucket, start: number) {
  const leaves = new Packer(start, 1);
  for await (const page of view.pages(bucket, {}, rowsPerRead))
    for (const { key, value } of page) leaves.add(key, key.length + value.length);
  // An empty bucket is one empty leaf.
  let level = leaves.finish();
  let next = leaves.next;
  const branches: PlannedPage[][] = [];
  while (level.length > 1) {
    const packer = new Packer(next, 2);
    for (const { firstKey } of level) packer.add(firstKey, firstKey.length);
    level = packer.finish();
    next = packer.next;
    branches.push(level);
  }
  const plan: BucketPlan = { bucket, leaves: leaves.finish(), branches, root: level[0]?.id ?? start };
  return { plan, next };
}

/** Fills pages greedily, in order. */
class Packer {
  readonly #pages: PlannedPage[] = [];
  #id: number;
  #firstKey = "";
  #elements = 0;
  #bytes = pageHeadBytes;
  #done = false;

  readonly #elementsMin: number;

  /** With two elements at the least to a branch, however long their keys, each level is smaller than the one below. */
  constructor(start: number, elementsMin: 1 | 2) {
    this.#id = start;
    this.#elementsMin = elementsMin;
  }

  /** The page after the last one. */
  get next(): number {
    return this.#id;
  }

  add(key: string, contentBytes: number): void {
    const bytes = elementBytes + contentBytes;
    if (this.#elements >= this.#elementsMin && this.#bytes + bytes > pageBytes) this.#close();
    if (this.#elements === 0) this.#firstKey = key;
    this.#elements++;
    this.#bytes += bytes;
  }

  finish(): PlannedPage[] {
    if (!this.#done && (this.#elements > 0 || this.#pages.length === 0)) this.#close();
    this.#done = true;
    return this.#pages;
  }

  #close(): void {
    this.#pages.push({ id: this.#id, firstKey: this.#firstKey, elements: this.#elements });
    this.#id += pagesOf(this.#bytes);
    this.#elements = 0;
    this.#bytes = pageHeadBytes;
  }
}
