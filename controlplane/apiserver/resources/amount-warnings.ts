import { isQuantity, parseNanos } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";

type Amounts = Readonly<Record<string, string>>;

const thousandth = 1_000_000n;

/** Of amounts at `field`: bytes cannot be parted. */
export function fractionWarnings(
  amounts: Amounts | undefined,
  names: readonly string[],
  field: string,
): readonly string[] {
  return names.flatMap((name) => {
    const text = amounts?.[name];
    if (text === undefined || !isQuantity(text)) return [];
    // What is less than a thousandth counts as one.
    const thousandths = (parseNanos(text) + thousandth - 1n) / thousandth;
    if (thousandths % 1000n === 0n) return [];
    const shown = JSON.stringify(canonicalQuantity(text));
    return [`${field}[${name}]: fractional byte value ${shown} is invalid, must be an integer`];
  });
}

/** Of a claim's size, with the claim's spec at `field`. */
export function claimSizeWarnings(
  spec: { readonly resources?: { readonly requests?: Amounts; readonly limits?: Amounts } } | undefined,
  field: string,
): readonly string[] {
  return [
    ...fractionWarnings(spec?.resources?.requests, ["storage"], `${field}.resources.requests`),
    ...fractionWarnings(spec?.resources?.limits, ["storage"], `${field}.resources.limits`),
  ];
}
