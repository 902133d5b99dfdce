import type { KubeObject } from "../../../client/types.ts";

/** Something derived from all objects of a kind, kept in step with the kind's cache: told synchronously, so that at no
 *  moment cache and index disagree. Must not throw. */
export interface KindIndex {
  /** The cache starts over; every object comes anew. */
  clear(): void;
  /** An object came (no `previous`), changed, or went (no `next`). */
  changed(previous: KubeObject | undefined, next: KubeObject | undefined): void;
}
