import type { Event, Node, PersistentVolumeClaim, Pod, StorageClass } from "../../client/types.ts";
import type { Verdicts } from "../../controlplane/scheduler/verdicts.ts";

/** A claim that a pod names; undefined: there is none of that name. */
export interface ClaimFact {
  readonly name: string;
  readonly claim: PersistentVolumeClaim | undefined;
  readonly events: readonly Event[];
  /** Of its class, where it names one that exists. */
  readonly storageClass: StorageClass | undefined;
  /** The node whose folder its volume is; undefined: it has no volume, or one that is elsewhere. */
  readonly home: VolumeHome | undefined;
}

export interface VolumeHome {
  readonly name: string;
  /** Undefined: there is none of that name any more. */
  readonly node: Node | undefined;
}

/** What is known of a pod. */
export interface PodFacts {
  readonly pod: Pod;
  /** Oldest first. */
  readonly events: readonly Event[];
  readonly claims: readonly ClaimFact[];
  /** What each node says; only of a pod that has none. */
  readonly verdicts: Verdicts | undefined;
  /** The node that the pod is on. */
  readonly node: Node | undefined;
  /** The last lines that containers wrote before they ended, by name. */
  readonly lastLines: ReadonlyMap<string, readonly string[]>;
  readonly nowMs: number;
}

export const podWord = ({ metadata: { namespace, name } }: Pod): string => `pod/${name} -n ${namespace}`;

export const inNamespace = ({ metadata: { namespace } }: Pod): string => `-n ${namespace}`;

/** The newest event with one of these reasons. */
export function latestEvent(events: readonly Event[], ...reasons: readonly string[]): Event | undefined {
  return [...events].reverse().find(({ reason = "" }) => reasons.includes(reason));
}
