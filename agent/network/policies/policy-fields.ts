import { addressText, ipRangeSize, parseIpRange } from "../../../base/ip-range.ts";
import { type Selector, SelectorError, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { mergedRanges, type NumberRange } from "../../../base/number-ranges.ts";
import type { IpFamily } from "../ip-family.ts";
import type { AddressSpan, Protocol } from "./policy-model.ts";

/** What all kinds of policies are made of, read out of objects that the API checked, or did not. Pure. */

/** Says what of a policy cannot be read. */
export type Fault = (field: string, value: unknown, why: string) => void;
export type Shape = Readonly<Record<string, unknown>>;

export const protocols = ["tcp", "udp", "sctp"] as const;

export type BlockRange = NumberRange<bigint>;

/** Bits behind the prefix mean nothing, as in the API. */
export function rangeOf(
  value: unknown,
  field: string,
  { family, fault }: { readonly family: IpFamily; readonly fault: Fault },
): BlockRange | "other family" | undefined {
  const range = typeof value === "string" ? parseIpRange(value) : undefined;
  if (range === undefined) {
    fault(field, value, "is not a range of addresses");
    return undefined;
  }
  if (range.family !== family.version) return "other family";
  return { first: range.first, last: range.first + ipRangeSize(range) - 1n };
}

/** Ranges that do not touch each other, written anew from the numbers. */
export function spansOf(ranges: readonly BlockRange[], { version }: IpFamily): readonly AddressSpan[] {
  const text = (value: bigint) => addressText(version, value);
  return mergedRanges(ranges).map(({ first, last }) => ({ first: text(first), last: text(last) }));
}

export function protocolOf(value: unknown): Protocol | undefined {
  return protocols.find((one) => one.toUpperCase() === (value ?? "TCP"));
}

/** A field of a selector that is not known, or is no list where one belongs, might have said anything. */
export function selectorOf(value: unknown, field: string, fault: Fault): Selector | "unreadable" {
  const { matchLabels, matchExpressions, ...unknown } = shapeOf(value);
  const labels = shapeOf(matchLabels);
  const expressions = listOf(matchExpressions).map(shapeOf);
  const isReadable =
    Object.keys(unknown).length === 0 &&
    (!isGiven(matchLabels) || labels === matchLabels) &&
    (!isGiven(matchExpressions) || Array.isArray(matchExpressions)) &&
    Object.values(labels).every(isText) &&
    expressions.every(({ key, values }) => isText(key) && listOf(values).every(isText));
  try {
    const shape: object = { matchLabels: labels, matchExpressions: expressions };
    if (isReadable) return selectorFromLabelSelector(shape);
  } catch (error) {
    if (!(error instanceof SelectorError)) throw error;
  }
  fault(field, value, "is not a selector");
  return "unreadable";
}

const isText = (value: unknown): value is string => typeof value === "string";
export const isGiven = (value: unknown) => value !== undefined && value !== null;
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
export const shapeOf = (value: unknown): Shape =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Shape) : {};
