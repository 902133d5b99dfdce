import { keyOf } from "../../../client/object-cache.ts";
import type { Pod } from "../../../client/types.ts";
import { controllerOf } from "../owners.ts";
import { isTracked } from "./job-types.ts";

/** Held by the Jobs' finalizer, yet no controller's: released from its Job, or left behind by one that was deleted. A pod of
 *  another kind of controller is that one's to free. */
export const isOrphan = (pod: Pod): boolean => isTracked(pod) && controllerOf(pod) === undefined;

const mark = "orphan:"; // no name of an object holds a colon

/** The key of a pod in the queue of Jobs. */
export const orphanKey = (pod: Pod): string => `${mark}${keyOf(pod)}`;

/** `orphan:NAMESPACE/NAME` -> `NAMESPACE/NAME`; undefined for a Job's key. */
export const orphanOf = (key: string): string | undefined =>
  key.startsWith(mark) ? key.slice(mark.length) : undefined;
