/** How a node's use of its resources makes its score. Pure; all divisions are of whole numbers, as in Kubernetes. */

export interface ResourceSpec {
  readonly name: string;
  readonly weight: number;
}

export interface ShapePoint {
  /** In percent. */
  readonly utilization: number;
  /** 0 to 10. */
  readonly score: number;
}

export interface ScoringStrategy {
  readonly type: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
  readonly resources: readonly ResourceSpec[];
  readonly requestedToCapacityRatio?: { readonly shape: readonly ShapePoint[] };
}

interface Use {
  readonly weight: number;
  readonly requested: number;
  readonly capacity: number;
}

/** The score, 0 to 100, of a node by the use it would have with the pod. */
export function scorerOf(strategy: ScoringStrategy): (uses: readonly Use[]) => number {
  switch (strategy.type) {
    case "LeastAllocated":
      return weighted(({ requested, capacity }) =>
        requested > capacity ? 0 : Math.trunc(((capacity - requested) * 100) / capacity),
      );
    case "MostAllocated":
      return weighted(({ requested, capacity }) =>
        Math.trunc((Math.min(requested, capacity) * 100) / capacity),
      );
    case "RequestedToCapacityRatio":
      return byShape(strategy.requestedToCapacityRatio?.shape ?? []);
  }
}

function weighted(scoreOf: (use: Use) => number): (uses: readonly Use[]) => number {
  return (uses) => {
    let sum = 0;
    let weights = 0;
    for (const use of uses) {
      if (use.capacity === 0) continue;
      sum += scoreOf(use) * use.weight;
      weights += use.weight;
    }
    return weights === 0 ? 0 : Math.trunc(sum / weights);
  };
}

function byShape(shape: readonly ShapePoint[]): (uses: readonly Use[]) => number {
  const line = brokenLine(shape.map(({ utilization, score }) => ({ utilization, score: score * 10 })));
  return (uses) => {
    let sum = 0;
    let weights = 0;
    for (const { requested, capacity, weight } of uses) {
      if (capacity === 0) continue;
      const score = line(requested > capacity ? 100 : Math.trunc((requested * 100) / capacity));
      if (score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    return weights === 0 ? 0 : Math.round(sum / weights);
  };
}

/** Straight between the points, level before the first and after the last. */
function brokenLine(points: readonly ShapePoint[]): (utilization: number) => number {
  return (utilization) => {
    const at = points.findIndex((point) => utilization <= point.utilization);
    const right = points[at];
    if (right === undefined) return points.at(-1)?.score ?? 0;
    const left = points[at - 1];
    if (left === undefined) return right.score;
    const rise = (right.score - left.score) * (utilization - left.utilization);
    return left.score + Math.trunc(rise / (right.utilization - left.utilization));
  };
}
