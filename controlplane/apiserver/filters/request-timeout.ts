import { badRequest } from "../api-error.ts";

/** How long a request that is no watch may take. */
export const requestTimeoutMs = 60_000;

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** The time a request has: the `timeout` that its query names, at most what any request has. Fails with 400. Pure. */
export function timeoutOf(query: URLSearchParams): number {
  const text = query.get("timeout") ?? "";
  if (text === "") return requestTimeoutMs;
  const askedMs = durationMs(text);
  if (askedMs === undefined)
    throw badRequest(
      `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`,
    );
  return askedMs > 0 && askedMs < requestTimeoutMs ? askedMs : requestTimeoutMs;
}

/** Go's notation, `1m30s`; `undefined` for anything else. */
function durationMs(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!/^[+-]?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let sumMs = 0;
  for (const [, number, unit = ""] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    sumMs += Number(number) * (unitMs[unit] ?? 0);
  return text.startsWith("-") ? -sumMs : sumMs;
}
