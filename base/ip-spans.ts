import { addressText, type IpRange, ipRangeSize, parseAddress, parseIpRange } from "./ip-range.ts";

/** Addresses of one family from one to another, both counted. */
export interface IpSpan {
  readonly family: IpRange["family"];
  readonly first: bigint;
  readonly last: bigint;
  /** Canonical, as are the two ends: `10.0.0.200-10.0.0.220`, `fd00::1-fd00::ff`, or a single address. */
  readonly text: string;
  readonly from: string;
  readonly to: string;
}

/** Of all spans of IPv4 together: more is a slip of the pen. */
const ipv4AddressesMost = 65_536n;

/** Reads `10.0.0.200-10.0.0.220`, `10.1.0.0/28`, `fd00::1-fd00::ff` and single addresses. Spans do not overlap. Pure.
 *  @returns The spans in their order, and every rule that they break, worded to follow the flag's name. */
export function parseIpSpans(texts: readonly string[]): {
  readonly spans: readonly IpSpan[];
  readonly problems: readonly string[];
} {
  const spans: IpSpan[] = [];
  const problems: string[] = [];
  for (const text of texts) {
    const span = spanOf(text);
    const said = JSON.stringify(text);
    if (span === undefined) problems.push(`${said} is not FIRST-LAST, a range or an address`);
    else if (spans.some((other) => overlap(span, other))) problems.push(`${said} overlaps another`);
    else spans.push(span);
  }
  const count = spans
    .filter(({ family }) => family === 4)
    .reduce((sum, { first, last }) => sum + last - first + 1n, 0n);
  if (count > ipv4AddressesMost) problems.push(`${count} addresses are more than ${ipv4AddressesMost}`);
  return { spans, problems };
}

function spanOf(text: string): IpSpan | undefined {
  const range = parseIpRange(text);
  if (range !== undefined) return span(range.family, range.first, range.first + ipRangeSize(range) - 1n);
  const [from = "", to = from, ...more] = text.split("-");
  const [first, last] = [parseAddress(from), parseAddress(to)];
  if (first === undefined || last?.family !== first.family) return undefined;
  if (first.value > last.value || more.length > 0) return undefined;
  return span(first.family, first.value, last.value);
}

function span(family: IpSpan["family"], first: bigint, last: bigint): IpSpan {
  const [from, to] = [addressText(family, first), addressText(family, last)];
  return { family, first, last, text: first === last ? from : `${from}-${to}`, from, to };
}

const overlap = (a: IpSpan, b: IpSpan): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;

export function isInSpans(
  spans: readonly IpSpan[],
  address: { readonly family: IpSpan["family"]; readonly value: bigint } | undefined,
): boolean {
  return (
    address !== undefined &&
    spans.some(
      ({ family, first, last }) =>
        family === address.family && first <= address.value && address.value <= last,
    )
  );
}
