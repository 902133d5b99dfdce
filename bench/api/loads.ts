import { ApiClient, requestBytes } from "./client.ts";
import type { ApiAccess } from "./peers.ts";
import { podNamed, podPath } from "./pods.ts";

export interface Rate {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** That were answered as they should be. */
  readonly requests: number;
  readonly failures: number;
}

/** So many clients, each with a connection and one request at a time, for some seconds; `from` numbers the requests. */
export async function rate(
  access: ApiAccess,
  load: (n: number) => Buffer,
  {
    clients,
    seconds,
    from = 0,
    count = Number.POSITIVE_INFINITY,
  }: {
    readonly clients: number;
    readonly seconds: number;
    readonly from?: number;
    readonly count?: number;
  },
): Promise<Rate> {
  const connections = await Promise.all(Array.from({ length: clients }, () => ApiClient.open(access)));
  const tookMs: number[] = [];
  let failures = 0;
  let next = from;
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1000;
  await Promise.all(
    connections.map(async (client) => {
      while (next < from + count && performance.now() < endMs) {
        const atMs = performance.now();
        const { code } = await client.call(load(next++));
        if (code < 300) tookMs.push(performance.now() - atMs);
        else failures++;
      }
    }),
  );
  const wallSeconds = (performance.now() - startedMs) / 1000;
  for (const client of connections) client.close();
  return { perSecond: tookMs.length / wallSeconds, requests: tookMs.length, failures, ...quantiles(tookMs) };
}

export const createPod = (n: number) => requestBytes("POST", podPath, podNamed(`pod-${n}`));
/** What is compiled while it runs is measured as it is for the rest of its life: so many requests of each load come before
 *  those that count, on either side. */
export const warmUpRequests = 3000;

export const getPod = (pods: number) => (n: number) => requestBytes("GET", `${podPath}/pod-${n % pods}`);

/** From the server's cache, as informers ask: reading what is newest takes of etcd what old ones lack. */
export const fromCache = "resourceVersion=0";

/** How long one list of all pods takes; the median of some, after one that does not count. */
export async function listTimes(
  access: ApiAccess,
  times: number,
): Promise<{ readonly ms: number; readonly bytes: number }> {
  const client = await ApiClient.open(access);
  const tookMs: number[] = [];
  let bytes = 0;
  for (let n = 0; n <= times; n++) {
    const atMs = performance.now();
    const answer = await client.call(requestBytes("GET", `${podPath}?${fromCache}`));
    if (answer.code !== 200) throw new Error(`the list failed with ${answer.code}`);
    if (n > 0) tookMs.push(performance.now() - atMs);
    bytes = answer.bodyBytes;
  }
  client.close();
  return { ms: quantiles(tookMs).p50Ms, bytes };
}

export function quantiles(tookMs: number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = tookMs.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
