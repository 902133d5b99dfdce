import { qualifiedName } from "../../../client/rules/names.ts";
import type { ResourceSpec, ShapePoint } from "../plugins/resource-scores.ts";
import type { NodeResourcesFitArgs } from "../plugins/resources-fit.ts";
import { forbidden, invalid, required, unsupported } from "./problems.ts";
import type { Shape } from "./shape.ts";

export const resourceShape: Shape = { fields: { name: "string", weight: "integer" } };

export const strategyShape: Shape = {
  fields: {
    type: "string",
    resources: { list: resourceShape },
    requestedToCapacityRatio: {
      fields: { shape: { list: { fields: { utilization: "integer", score: "integer" } } } },
    },
  },
};

/** CPU and memory alike where nothing is said; a weight of 0 stands for 1. */
export function withDefaultWeights(
  resources: readonly Partial<ResourceSpec>[] = [],
): readonly ResourceSpec[] {
  const named = resources.length > 0 ? resources : [{ name: "cpu" }, { name: "memory" }];
  return named.map(({ name = "", weight = 0 }) => ({ name, weight: weight === 0 ? 1 : weight }));
}

const strategies = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"];

export function fitProblems(args: NodeResourcesFitArgs, path: string): readonly string[] {
  const { ignoredResources, ignoredResourceGroups, scoringStrategy } = args;
  const at = `${path}.scoringStrategy`;
  const ratio = scoringStrategy.requestedToCapacityRatio;
  const isRatio = scoringStrategy.type === "RequestedToCapacityRatio";
  const atRatio = `${at}.requestedToCapacityRatio`;
  return [
    ...ignoredResources.flatMap((name, index) => nameProblems(name, `${path}.ignoredResources[${index}]`)),
    ...ignoredResourceGroups.flatMap((name, index) => {
      const where = `${path}.ignoredResourceGroups[${index}]`;
      const slash = name.includes("/") ? [invalid(where, name, "resource group name can't contain '/'")] : [];
      return [...slash, ...nameProblems(name, where)];
    }),
    ...(strategies.includes(scoringStrategy.type)
      ? []
      : [unsupported(`${at}.type`, scoringStrategy.type, strategies)]),
    ...scoringStrategy.resources.flatMap(({ name, weight }, index) =>
      weight > 0 && weight <= 100
        ? []
        : [
            invalid(
              `${at}.resources[${index}].weight`,
              weight,
              `resource weight of ${name} not in valid range (0, 100]`,
            ),
          ],
    ),
    ...(isRatio && ratio === undefined
      ? [required(atRatio, "must be specified when type is RequestedToCapacityRatio")]
      : []),
    ...(isRatio && ratio !== undefined ? shapePointProblems(ratio.shape ?? [], `${atRatio}.shape`) : []),
    ...(!isRatio && ratio !== undefined
      ? [forbidden(atRatio, "must be nil when type is not RequestedToCapacityRatio")]
      : []),
  ];
}

function shapePointProblems(shape: readonly ShapePoint[], path: string): readonly string[] {
  if (shape.length === 0) return [required(path, "at least one point must be specified")];
  const falls = shape.findIndex(
    ({ utilization }, at) => at > 0 && (shape[at - 1]?.utilization ?? 0) >= utilization,
  );
  const unsorted =
    falls < 0
      ? []
      : [
          invalid(
            `${path}[${falls}].utilization`,
            shape[falls]?.utilization,
            "values must be sorted in increasing order",
          ),
        ];
  const range = (value: number, most: number, where: string) =>
    value < 0 || value > most ? [invalid(where, value, `not in valid range [0, ${most}]`)] : [];
  return [
    ...unsorted,
    ...shape.flatMap(({ utilization, score }, at) => [
      ...range(utilization, 100, `${path}[${at}].utilization`),
      ...range(score, 10, `${path}[${at}].score`),
    ]),
  ];
}

export const nameProblems = (name: string, path: string): readonly string[] =>
  qualifiedName(name).map((problem) => invalid(path, name, problem));
