import { matchesLabels, type Selector } from "../../base/label-selector.ts";
import { controllerOf, isBeingDeleted, type Owned } from "./owners.ts";

/** Which of the candidates belong to the owner. */
export interface Claim<T> {
  /** Ours and stay ours. */
  readonly kept: readonly T[];
  /** Nobody's, but selected: to be made ours. */
  readonly adopt: readonly T[];
  /** Ours, but no longer selected: to be let go. */
  readonly release: readonly T[];
}

/** Sorts children by ownership as Kubernetes' controller references do. An owner being deleted takes and releases
 *  nothing; what is being deleted is not adopted. Pure. */
export function claimChildren<T extends Owned>(
  owner: Owned,
  selector: Selector,
  candidates: readonly T[],
): Claim<T> {
  const kept: T[] = [];
  const adopt: T[] = [];
  const release: T[] = [];
  for (const child of candidates) {
    const controller = controllerOf(child);
    const selected = matchesLabels(selector, child.metadata.labels);
    if (controller === undefined) {
      if (selected && !isBeingDeleted(owner) && !isBeingDeleted(child)) adopt.push(child);
    } else if (controller.uid === owner.metadata.uid) {
      if (selected) kept.push(child);
      else if (!isBeingDeleted(owner)) release.push(child);
    }
  }
  return { kept, adopt, release };
}
