import { compareQuantities } from "../../../base/quantity.ts";
import { dns1123Label, pathSegment } from "../../../client/rules/names.ts";
import type { HorizontalPodAutoscaler } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { containerResourceName } from "./container-resources.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { scaledObjectProblems } from "./scaled-object.ts";

type Metric = NonNullable<HorizontalPodAutoscaler["spec"]["metrics"]>[number];
type Target = NonNullable<Metric["object"]>["target"];
interface Options {
  /** What a metric describes may be of whatever version: the stored one is. */
  readonly anyVersion: boolean;
}

/** By the type of the metric the field that says which one; in the order in which they are judged. */
const fieldOfType = {
  Object: "object",
  External: "external",
  Pods: "pods",
  Resource: "resource",
  ContainerResource: "containerResource",
} as const;
const types = Object.keys(fieldOfType).sort();
type Source = (typeof fieldOfType)[keyof typeof fieldOfType];

const judges: {
  readonly [S in Source]: (
    source: NonNullable<Metric[S]>,
    field: string,
    options: Options,
  ) => readonly FieldError[];
} = {
  object: ({ describedObject, metric, target = {} as Target }, field, { anyVersion }) => [
    ...scaledObjectProblems(describedObject, `${field}.describedObject`, { anyVersion, coreGroup: true }),
    ...identifierProblems(metric, `${field}.metric`),
    ...targetProblems(target, `${field}.target`),
    ...(target.value === undefined && target.averageValue === undefined
      ? [required(`${field}.target.averageValue`, "must set either a target value or averageValue")]
      : []),
  ],
  external: ({ metric, target = {} as Target }, field) => [
    ...identifierProblems(metric, `${field}.metric`),
    ...targetProblems(target, `${field}.target`),
    ...(target.value === undefined && target.averageValue === undefined
      ? [
          required(
            `${field}.target.averageValue`,
            "must set either a target value for metric or a per-pod target",
          ),
        ]
      : []),
    ...(target.value !== undefined && target.averageValue !== undefined
      ? [
          forbidden(
            `${field}.target.value`,
            "may not set both a target value for metric and a per-pod target",
          ),
        ]
      : []),
  ],
  pods: ({ metric, target = {} as Target }, field) => [
    ...identifierProblems(metric, `${field}.metric`),
    ...targetProblems(target, `${field}.target`),
    ...(target.averageValue === undefined
      ? [required(`${field}.target.averageValue`, "must specify a positive target averageValue")]
      : []),
  ],
  resource: ({ name = "", target = {} as Target }, field) => [
    ...(name === "" ? [required(`${field}.name`, "must specify a resource name")] : []),
    ...resourceTargetProblems(target, `${field}.target`),
  ],
  containerResource: ({ name = "", container = "", target = {} as Target }, field) => [
    ...(name === ""
      ? [required(`${field}.name`, "must specify a resource name")]
      : containerResourceName(name, `${field}.name`)),
    ...(container === ""
      ? [required(`${field}.container`, "must specify a container")]
      : dns1123Label(container).map((text) => invalid(`${field}.container`, container, text))),
    ...resourceTargetProblems(target, `${field}.target`),
  ],
};

export function validateMetric(metric: Metric, field: string, options: Options): readonly FieldError[] {
  const { type = "" } = metric;
  const problems: FieldError[] = [];
  const unknownType = notSupported(`${field}.type`, type, types);
  if (type === "") problems.push(required(`${field}.type`, "must specify a metric source type"));
  if (!types.includes(type)) problems.push(unknownType);
  const present = Object.values(fieldOfType).filter((source) => metric[source] !== undefined);
  const [first] = present;
  if (first !== undefined) problems.push(...judge(first, metric, `${field}.${first}`, options));
  const expected = Object.entries(fieldOfType).find(([name]) => name === type)?.[1];
  // Kubernetes says this twice.
  if (expected === undefined) problems.push(unknownType);
  else if (metric[expected] === undefined)
    problems.push(required(`${field}.${expected}`, "must populate information for the given metric source"));
  if (present.length !== 1)
    problems.push(
      ...present
        .filter((source) => source !== expected)
        .map((source) => forbidden(`${field}.${source}`, "must populate the given metric source only")),
    );
  return problems;
}

function judge<S extends Source>(
  source: S,
  metric: Metric,
  field: string,
  options: Options,
): readonly FieldError[] {
  const value = metric[source];
  return value === undefined ? [] : judges[source](value, field, options);
}

function identifierProblems(
  metric: NonNullable<Metric["object"]>["metric"] | undefined,
  field: string,
): readonly FieldError[] {
  const { name = "" } = metric ?? {};
  if (name === "") return [required(`${field}.name`, "must specify a metric name")];
  return pathSegment(name).map((text) => invalid(`${field}.name`, name, text));
}

function resourceTargetProblems(target: Target, field: string): readonly FieldError[] {
  const { averageUtilization, averageValue } = target;
  const problems: FieldError[] = [...targetProblems(target, field)];
  if (averageUtilization === undefined && averageValue === undefined)
    problems.push(
      required(`${field}.averageUtilization`, "must set either a target raw value or a target utilization"),
    );
  if (averageUtilization !== undefined && averageValue !== undefined)
    problems.push(
      forbidden(`${field}.averageValue`, "may not set both a target raw value and a target utilization"),
    );
  return problems;
}

function targetProblems(target: Target, field: string): readonly FieldError[] {
  const { type = "", averageUtilization } = target;
  const problems: FieldError[] = [];
  if (type === "") problems.push(required(`${field}.type`, "must specify a metric target type"));
  if (!["Utilization", "Value", "AverageValue"].includes(type))
    problems.push(invalid(`${field}.type`, type, "must be either Utilization, Value, or AverageValue"));
  for (const name of ["value", "averageValue"] as const) {
    const amount = target[name];
    if (amount !== undefined && compareQuantities(amount, "0") <= 0)
      problems.push(invalid(`${field}.${name}`, amount, "must be positive"));
  }
  if (averageUtilization !== undefined && averageUtilization < 1)
    problems.push(invalid(`${field}.averageUtilization`, averageUtilization, "must be greater than 0"));
  return problems;
}
