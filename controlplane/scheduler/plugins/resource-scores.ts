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

/** What a resource's use would be with the pod, and of how much. Called once a node and resource: nothing is made for it. */
export interface ResourceScorer {
  /** 0 to 100. */
  readonly scoreOf: (requested: number, capacity: number) => number;
  /** Resources with a score of 0 do not count, and the sum is rounded instead of cut off. */
  readonly skipsZero: boolean;
}

export function scorerOf(strategy: ScoringStrategy): ResourceScorer {
  switch (strategy.type) {
    case "LeastAllocated":
      return {
        skipsZero: false,
        scoreOf: (requested, capacity) =>
          requested > capacity ? 0 : Math.trunc(((capacity - requested) * 100) / capacity),
      };
    case "MostAllocated":
      return {
        skipsZero: false,
        scoreOf: (requested, capacity) => Math.trunc((Math.min(requested, capacity) * 100) / capacity),
      };
    case "RequestedToCapacityRatio": {
      const shape = strategy.requestedToCapacityRatio?.shape ?? [];
      const line = brokenLine(shape.map(({ utilization, score }) => ({ utilization, score: score * 10 })));
      return {
        skipsZero: true,
        scoreOf: (requested, capacity) =>
          line(requested > capacity ? 100 : Math.trunc((requested * 100) / capacity)),
      };
    }
  }
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
