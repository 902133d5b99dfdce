/** For how long nodes may keep secrets and config maps before they ask again, by the cluster's size. Pure. */

export const ttlAnnotation = "node.alpha.kubernetes.io/ttl";

/** A cluster goes to the next row when it has more nodes than `most`, and back when it has fewer than `least`. */
const steps = [
  { least: 0, most: 100, seconds: 0 },
  { least: 90, most: 500, seconds: 15 },
  { least: 450, most: 1000, seconds: 30 },
  { least: 900, most: 2000, seconds: 60 },
  { least: 1800, most: Number.POSITIVE_INFINITY, seconds: 300 },
] as const;

/** The row after the number of nodes changed; of two that fit, the one that it was in. */
export function nextStep(step: number, nodes: number): number {
  let next = step;
  while (nodes > (steps[next]?.most ?? Number.POSITIVE_INFINITY)) next++;
  while (nodes < (steps[next]?.least ?? 0)) next--;
  return next;
}

export const secondsAt = (step: number): number => steps[step]?.seconds ?? 0;
