import { compareQuantities, parseNanos } from "../../../base/quantity.ts";
import type { ResourceSlice } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { setProblems } from "./device-rules.ts";
import { forbidden, invalid, required } from "./field-errors.ts";

type Device = NonNullable<ResourceSlice["spec"]["devices"]>[number];
type Capacity = NonNullable<Device["capacity"]>[string];
type Policy = NonNullable<Capacity["requestPolicy"]>;
type Range = NonNullable<Policy["validRange"]>;

const optionsMax = 10;
const nanosPerUnit = 1_000_000_000n;

/** How much of a device may be asked for. Only devices that several may share have a say in that. */
export function capacityProblems(
  { value = "0", requestPolicy: policy }: Capacity,
  field: string,
  isShared: boolean,
): readonly FieldError[] {
  if (policy === undefined) return [];
  const at = `${field}.requestPolicy`;
  if (!isShared) return [forbidden(at, "allowMultipleAllocations must be true")];
  const {
    default: standard,
    validValues = [],
    validRange,
  } = policy as Policy & {
    readonly default?: string;
  };
  if (validValues.length > 0 && validRange !== undefined)
    return [
      forbidden(
        at,
        'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
      ),
    ];
  if (validValues.length > 0)
    return standard === undefined
      ? [required(`${at}.default`, "required when validValues is defined")]
      : optionProblems(validValues, `${at}.validValues`, { standard, most: value });
  if (validRange === undefined) return [];
  return standard === undefined
    ? [required(`${at}.default`, "required when validRange is defined")]
    : rangeProblems(validRange, `${at}.validRange`, { standard, most: value });
}

interface Bounds {
  readonly standard: string;
  readonly most: string;
}

const isMore = (left: string, right: string) => compareQuantities(left, right) > 0;

function optionProblems(options: readonly string[], field: string, { standard, most }: Bounds) {
  const unsorted = options.flatMap((option, index) =>
    index > 0 && isMore(options[index - 1] ?? "0", option)
      ? [invalid(`${field}[${index}]`, option, "values must be sorted in ascending order")]
      : [],
  );
  const problems: FieldError[] = [
    ...unsorted,
    ...setProblems(options, {
      max: optionsMax,
      field,
      judge: (option, at) =>
        isMore(option, most) ? [invalid(at, option, `option is larger than capacity value: ${most}`)] : [],
      keyOf: (option) => `${wholeUnits(option)}`,
    }),
  ];
  if (options.length > optionsMax || !options.some((option) => compareQuantities(option, standard) === 0))
    problems.push(invalid(field, standard, "default value is not valid according to the requestPolicy"));
  return problems;
}

function rangeProblems({ min, max, step }: Range, field: string, { standard, most }: Bounds) {
  if (min === undefined) return [required(`${field}.min`, "required when validRange is defined")];
  const problems: FieldError[] = [];
  const refuse = (name: string, value: string, why: string) =>
    problems.push(invalid(`${field}.${name}`, value, why));
  if (isMore(min, most)) refuse("min", min, `min is larger than capacity value: ${most}`);
  if (isMore(min, standard)) refuse("min", standard, `default is less than min: ${min}`);
  if (max !== undefined) {
    if (isMore(min, max)) refuse("max", min, `min is larger than max: ${max}`);
    if (isMore(max, most)) refuse("max", max, `max is larger than capacity value: ${most}`);
    if (isMore(standard, max)) refuse("max", standard, `default is more than max: ${max}`);
  }
  if (step === undefined) return problems;
  if (parseNanos(min) + parseNanos(step) > parseNanos(most)) {
    const added = (parseNanos(min) + parseNanos(step)) / nanosPerUnit;
    refuse("step", step, `one step ${added} is larger than capacity value: ${most}`);
  }
  for (const value of [standard, ...(max === undefined ? [] : [max])]) {
    const [units, size] = [wholeUnits(value) - wholeUnits(min), wholeUnits(step)];
    if (size === 0n || units % size !== 0n)
      refuse("step", value, `value is not a multiple of a given step (${step}) from (${min})`);
  }
  return problems;
}

/** Rounded up, as Kubernetes counts them. */
function wholeUnits(amount: string): bigint {
  const nanos = parseNanos(amount);
  return nanos / nanosPerUnit + (nanos % nanosPerUnit > 0n ? 1n : 0n);
}
