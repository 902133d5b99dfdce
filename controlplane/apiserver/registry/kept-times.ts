import type { KubeObject } from "../../../client/types.ts";
import { sameValue } from "../schema/same-value.ts";
import { sameWritten } from "./same-written.ts";

type Entry = NonNullable<KubeObject["metadata"]["managedFields"]>[number];

/** Where nothing is other than before but when somebody set it, nothing changed: the old times stay. Mutates `next`.
 *  (Kubernetes' IgnoreManagedFieldsTimestampsTransformer) */
export function keepTimes(next: KubeObject, current: KubeObject): void {
  const [after = [], before = []] = [next.metadata.managedFields, current.metadata.managedFields];
  if (after.length !== before.length || after.every(({ time }, at) => time === before[at]?.time)) return;
  if (!after.every((entry, at) => isSameButTime(entry, before[at]))) return;
  const metadata = { ...next.metadata, managedFields: before };
  if (sameWritten({ ...next, metadata }, current)) next.metadata.managedFields = before;
}

function isSameButTime(a: Entry, b: Entry | undefined): boolean {
  return b !== undefined && sameValue({ ...a, time: undefined }, { ...b, time: undefined });
}
