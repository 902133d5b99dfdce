import { latin1 } from "../../../base/wire.ts";
import type { RequestOp } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";

/** Keys that a list of operations writes. Keys are strings of code units 0–255, which sort as bytes do. */
interface Writes {
  readonly puts: Set<string>;
  readonly deletes: Interval[];
}
interface Interval {
  readonly from: string;
  /** Exclusive; undefined: to the end. */
  readonly to: string | undefined;
}

/** Throws DUPLICATE_KEY when the operations, which share one revision, would put a key twice, or put and delete it. The
 *  two branches of a nested transaction may put the same key, since only one of them runs. */
export function checkIntervals(ops: readonly RequestOp[]): void {
  if (ops.length > 1 || ops[0]?.requestTxn !== undefined) writesOf(ops);
}

function writesOf(ops: readonly RequestOp[]): Writes {
  const deletes: Interval[] = [];
  for (const { requestDeleteRange } of ops) {
    if (requestDeleteRange === undefined) continue;
    deletes.push(intervalOf(latin1(requestDeleteRange.key), latin1(requestDeleteRange.rangeEnd)));
  }
  const puts = new Set<string>();
  const add = (key: string) => {
    if (deletes.some((interval) => contains(interval, key))) throw new StoreError("DUPLICATE_KEY");
    puts.add(key);
  };
  for (const { requestTxn } of ops) {
    if (requestTxn === undefined) continue;
    const success = writesOf(requestTxn.success);
    const failure = writesOf(requestTxn.failure);
    for (const key of success.puts) {
      if (puts.has(key)) throw new StoreError("DUPLICATE_KEY");
      add(key);
    }
    for (const key of failure.puts) {
      if (puts.has(key) && !success.puts.has(key)) throw new StoreError("DUPLICATE_KEY");
      add(key);
    }
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const { requestPut } of ops) {
    if (requestPut === undefined) continue;
    const key = latin1(requestPut.key);
    if (puts.has(key)) throw new StoreError("DUPLICATE_KEY");
    add(key);
  }
  return { puts, deletes };
}

function intervalOf(key: string, rangeEnd: string): Interval {
  if (rangeEnd === "") return { from: key, to: `${key}\0` };
  return { from: key, to: rangeEnd === "\0" ? undefined : rangeEnd };
}

function contains(interval: Interval, key: string): boolean {
  return key >= interval.from && (interval.to === undefined || key < interval.to);
}
