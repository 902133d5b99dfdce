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
export const getPod = (pods: number) => (n: number) => requestBytes("GET", `${podPath}/pod-${n % pods}`);

/** From the server's cache, as informers ask: reading what is newest takes of etcd what old ones lack. */
const fromCache = "resourceVersion=0";

/** How long one list of all pods takes; the median of some. */
export async function listTimes(
  access: ApiAccess,
  times: number,
): Promise<{ readonly ms: number; readonly bytes: number }> {
  const client = await ApiClient.open(access);
  const tookMs: number[] = [];
  let bytes = 0;
  for (let n = 0; n < times; n++) {
    const atMs = performance.now();
    const answer = await client.call(requestBytes("GET", `${podPath}?${fromCache}`));
    if (answer.code !== 200) throw new Error(`the list failed with ${answer.code}`);
    tookMs.push(performance.now() - atMs);
    bytes = answer.bodyBytes;
  }
  client.close();
  return { ms: quantiles(tookMs).p50Ms, bytes };
}

/** From the sending of a change to its arrival at each of so many watchers of the object. */
export async function fanOut(
  access: ApiAccess,
  { watchers, changes }: { readonly watchers: number; readonly changes: number },
): Promise<{ readonly p50Ms: number; readonly p99Ms: number }> {
  const path = "/api/v1/namespaces/default/configmaps";
  const name = "bench-fan-out";
  const writer = await ApiClient.open(access);
  await writer.call(requestBytes("POST", path, { apiVersion: "v1", kind: "ConfigMap", metadata: { name } }));
  const tookMs: number[] = [];
  let sentMs = 0;
  let mark = "";
  let heard = 0;
  let arrived = () => {};
  const streams: ApiClient[] = [];
  const watch = requestBytes("GET", `${path}?watch=true&${fromCache}&fieldSelector=metadata.name%3D${name}`);
  let begun = 0;
  for (let n = 0; n < watchers; n++) {
    const client = await ApiClient.open(access);
    streams.push(client);
    let rest = "";
    let isBegun = false;
    client.stream(watch, (bytes) => {
      rest = (rest + bytes.toString("latin1")).slice(-4096);
      if (!isBegun && rest.includes('"ADDED"')) {
        isBegun = true;
        begun++;
      }
      if (mark === "" || !rest.includes(mark)) return;
      rest = "";
      tookMs.push(performance.now() - sentMs);
      if (++heard === watchers) arrived();
    });
  }
  while (begun < watchers) await new Promise((resolve) => setTimeout(resolve, 10));
  for (let n = 0; n < changes; n++) {
    heard = 0;
    mark = `change-${n}-`;
    const all = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    sentMs = performance.now();
    const { code } = await writer.call(
      requestBytes("PUT", `${path}/${name}`, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name },
        data: { mark },
      }),
    );
    if (code !== 200) throw new Error(`the change failed with ${code}`);
    await all;
  }
  for (const client of [...streams, writer]) client.close();
  return quantiles(tookMs);
}

function quantiles(tookMs: number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = tookMs.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
