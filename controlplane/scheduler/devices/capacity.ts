import { ownField } from "../../../base/own-field.ts";
import { parseNanos } from "../../../base/quantity.ts";
import { amountText, readAmount } from "../../../base/quantity-text.ts";
import type { Amounts, Device, DeviceCapacity } from "./devices.ts";

/** How much of a device's capacity a request takes, where a device is shared or has only so much. Pure. */

type Policy = NonNullable<DeviceCapacity["requestPolicy"]> & { readonly default?: string };
/** The models call `default` otherwise. */
const policyOf = (policy: DeviceCapacity["requestPolicy"]): Policy => (policy ?? {}) as Policy;

type Requests = Readonly<Record<string, string>> | undefined;

const billion = 1_000_000_000n;
/** Whole units, upwards, as Kubernetes' Quantity.Value(). */
const whole = (nanos: bigint): bigint => (nanos > 0n ? (nanos + billion - 1n) / billion : nanos / billion);

/** By capacity: what is asked for, brought to what the device's driver allows; all of it where nothing is. */
export function consumedBy(requests: Requests, { capacity = {} }: Device): Amounts {
  return new Map(
    Object.entries(capacity).map(([name, one]) => [name, consumedOf(ownField(requests ?? {}, name), one)]),
  );
}

function consumedOf(asked: string | undefined, { requestPolicy, value }: DeviceCapacity): bigint {
  const { default: usual, validRange, validValues } = policyOf(requestPolicy);
  if (asked === undefined) return parseNanos(usual ?? value);
  const amount = parseNanos(asked);
  if (validRange?.min !== undefined) {
    const least = parseNanos(validRange.min);
    if (amount < least) return least;
    if (validRange.step === undefined) return amount;
    const [from, step] = [whole(least), whole(parseNanos(validRange.step))];
    const steps = (whole(amount) - from + step - 1n) / step;
    return (from + steps * step) * billion;
  }
  return validValues?.map(parseNanos).find((valid) => amount <= valid) ?? amount;
}

/** What the driver allows nobody to take. */
function isForbidden(amount: bigint, { requestPolicy }: DeviceCapacity): boolean {
  const { default: usual, validRange, validValues = [] } = policyOf(requestPolicy);
  if (usual !== undefined && amount === parseNanos(usual)) return false;
  if (validRange !== undefined) {
    const { min, max, step } = validRange;
    if (max !== undefined && amount > parseNanos(max)) return true;
    return step !== undefined && (whole(amount) - whole(parseNanos(min))) % whole(parseNanos(step)) !== 0n;
  }
  return validValues.length > 0 && !validValues.some((valid) => parseNanos(valid) === amount);
}

/** Whether the device has what is asked for beside what others have taken. */
export function hasRoom(
  requests: Requests,
  device: Device,
  taken: readonly (Amounts | undefined)[],
): boolean {
  const { capacity = {} } = device;
  if (Object.keys(requests ?? {}).some((name) => !Object.hasOwn(capacity, name))) return false;
  const wanted = consumedBy(requests, device);
  return Object.entries(capacity).every(([name, one]) => {
    const amount = wanted.get(name) ?? 0n;
    const sum = taken.reduce((total, amounts) => total + (amounts?.get(name) ?? 0n), amount);
    return !isForbidden(amount, one) && sum <= parseNanos(one.value);
  });
}

/** As it is told in an allocation, in the device's own notation. */
export const consumedText = (consumed: Amounts, { capacity = {} }: Device): Record<string, string> =>
  Object.fromEntries(
    [...consumed].map(([name, nanos]) => {
      const { notation } = readAmount(capacity[name]?.value ?? "0");
      return [name, amountText({ nanos, notation })];
    }),
  );
