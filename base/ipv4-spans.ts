import { ipv4Text, parseIpv4, parseIpv4Range } from "./ipv4.ts";

/** IPv4 addresses from one to another, both counted. */
export interface Ipv4Span {
  readonly first: number;
  readonly last: number;
  /** Canonical: `10.0.0.200-10.0.0.220`, or a single address. */
  readonly text: string;
}

/** Of all spans together: what is given out one by one is kept in memory one by one. */
const addressesMost = 65_536;

/** Reads `10.0.0.200-10.0.0.220`, `10.1.0.0/28` and single addresses. Spans do not overlap. Pure.
 *  @returns The spans in their order, and every rule that they break, worded to follow the flag's name. */
export function parseIpv4Spans(texts: readonly string[]): {
  readonly spans: readonly Ipv4Span[];
  readonly problems: readonly string[];
} {
  const spans: Ipv4Span[] = [];
  const problems: string[] = [];
  for (const text of texts) {
    const span = spanOf(text);
    const said = JSON.stringify(text);
    if (span === undefined) problems.push(`${said} is not FIRST-LAST, a range or an address of IPv4`);
    else if (spans.some(({ first, last }) => span.first <= last && first <= span.last))
      problems.push(`${said} overlaps another`);
    else spans.push(span);
  }
  const count = spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (count > addressesMost) problems.push(`${count} addresses are more than ${addressesMost}`);
  return { spans, problems };
}

function spanOf(text: string): Ipv4Span | undefined {
  const range = parseIpv4Range(text);
  if (range !== undefined) return span(range.first, range.first + range.size - 1);
  const [from = "", to = from, ...more] = text.split("-");
  const [first, last] = [parseIpv4(from), parseIpv4(to)];
  if (first === undefined || last === undefined || first > last || more.length > 0) return undefined;
  return span(first, last);
}

const span = (first: number, last: number): Ipv4Span => ({
  first,
  last,
  text: first === last ? ipv4Text(first) : `${ipv4Text(first)}-${ipv4Text(last)}`,
});

export function isInSpans(spans: readonly Ipv4Span[], address: number): boolean {
  return spans.some(({ first, last }) => first <= address && address <= last);
}
