import type { Container, PodSpec } from "../../../../client/types.ts";

/** What a level asks of a pod, or of a template of pods. */
export interface CheckedPod {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export type Check = (pod: CheckedPod) => Violation | undefined;

export interface CheckRow {
  readonly id: string;
  /** Which check counts from which minor version on; in order. */
  readonly versions: readonly (readonly [fromMinor: number, check: Check])[];
  /** Checks of the baseline that this one, where it counts, stands for. */
  readonly overrides?: readonly string[];
}

export function allContainers(spec: PodSpec): readonly Container[] {
  const ephemeral: readonly Container[] = spec.ephemeralContainers ?? [];
  return [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...ephemeral];
}

export const namesWhere = (spec: PodSpec, isBad: (container: Container) => boolean): readonly string[] =>
  allContainers(spec)
    .filter(isBad)
    .map(({ name }) => name);

/** `"a", "b"` */
export const quoted = (items: readonly string[]): string => items.map((item) => `"${item}"`).join(", ");

export const sortedSet = (items: Iterable<string>): readonly string[] =>
  [...new Set(items)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

export const plural = (word: string, count: number): string => (count === 1 ? word : `${word}s`);
export const uses = (count: number): string => (count === 1 ? "uses" : "use");

/** `containers "a", "b"` */
export const containersText = (names: readonly string[]): string =>
  `${plural("container", names.length)} ${quoted(names)}`;

/** Who set something: `pod and container "a"`; empty for nobody. */
export function settersText(byPod: boolean, names: readonly string[]): string {
  return [...(byPod ? ["pod"] : []), ...(names.length > 0 ? [containersText(names)] : [])].join(" and ");
}

export const isWindows = ({ spec }: CheckedPod): boolean => spec.os?.name === "windows";

/** A pod whose users are not its node's may run as whom it likes. */
export const hasOwnUsers = ({ spec }: CheckedPod): boolean => spec.hostUsers === false;

export const unless =
  (exempt: (pod: CheckedPod) => boolean, check: Check): Check =>
  (pod) =>
    exempt(pod) ? undefined : check(pod);
