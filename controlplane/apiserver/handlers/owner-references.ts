import type { KubeObject, OwnerReference } from "../../../client/types.ts";
import { sameValue } from "../schema/same-value.ts";

/** Leaves of owner references that say the same only the first, and tells the client. Mutates. */
export function dropDoubleOwners({ metadata }: KubeObject, warn: (text: string) => void): void {
  const kept: OwnerReference[] = [];
  const doubles: string[] = [];
  for (const owner of metadata.ownerReferences ?? []) {
    if (kept.some((one) => one.uid === owner.uid && sameValue(one, owner))) doubles.push(owner.uid);
    else kept.push(owner);
  }
  if (doubles.length === 0) return;
  metadata.ownerReferences = kept;
  warn(
    `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${doubles.join(", ")}`,
  );
}
