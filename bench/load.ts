import { type ClientHttp2Session, connect, constants } from "node:http2";
import { pathToFileURL } from "node:url";
import { putRequest } from "../proto/etcd.ts";
import { type Load, loads } from "./loads.ts";

/** What one round measured. Latencies are of successful requests, in milliseconds. */
export interface RoundResult {
  readonly requests: number;
  readonly failures: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firstFailure?: string;
}

/** Drives endpoints with a load for some seconds. Connections are spread over the endpoints. */
export async function drive(load: Load, endpoints: readonly string[], seconds: number): Promise<RoundResult> {
  const sessions = await Promise.all(
    Array.from({ length: load.connections }, (_, i) => open(endpoints[i % endpoints.length] ?? "")),
  );
  try {
    await prepare(sessions, load.prepareKeys);
    const bodies = Array.from({ length: Math.min(10_000, Math.max(1000, load.clients * 4)) }, (_, n) =>
      frame(load.body(n)),
    );
    const latencies: number[] = [];
    let failures = 0;
    let firstFailure: string | undefined;
    let next = 0;
    const startedMs = performance.now();
    const endMs = startedMs + seconds * 1000;
    const client = async (session: ClientHttp2Session) => {
      while (performance.now() < endMs) {
        const atMs = performance.now();
        const failure = await call(session, load.path, bodies[next++ % bodies.length] as Buffer);
        if (failure === undefined) latencies.push(performance.now() - atMs);
        else {
          failures++;
          firstFailure ??= failure;
        }
      }
    };
    await Promise.all(
      Array.from({ length: load.clients }, (_, i) =>
        client(sessions[i % sessions.length] as ClientHttp2Session),
      ),
    );
    const tookSeconds = (performance.now() - startedMs) / 1000;
    latencies.sort((a, b) => a - b);
    const at = (share: number) =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
    return {
      requests: latencies.length,
      failures,
      seconds: tookSeconds,
      perSecond: latencies.length / tookSeconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      ...(firstFailure === undefined ? {} : { firstFailure }),
    };
  } finally {
    for (const session of sessions) session.destroy();
  }
}

function open(url: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect(url, { settings: { initialWindowSize: 1 << 20 } });
    session.once("error", reject);
    session.once("remoteSettings", () => {
      session.off("error", reject);
      session.on("error", () => session.destroy());
      resolve(session);
    });
  });
}

async function prepare(sessions: readonly ClientHttp2Session[], keys: number): Promise<void> {
  const source = loads.find((load) => load.name === "range");
  if (source === undefined || keys === 0) return;
  let next = 0;
  const worker = async (session: ClientHttp2Session) => {
    while (next < keys) {
      const key = new TextEncoder().encode(`bench/${String(next++).padStart(8, "0")}`);
      const failure = await call(
        session,
        "/etcdserverpb.KV/Put",
        frame(putRequest.encode({ key, value: new Uint8Array(256) })),
      );
      if (failure !== undefined) throw new Error(`cannot prepare keys: ${failure}`);
    }
  };
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => worker(sessions[i % sessions.length] as ClientHttp2Session)),
  );
}

/** Undefined where gRPC says OK; else why not. */
function call(session: ClientHttp2Session, path: string, body: Buffer): Promise<string | undefined> {
  return new Promise((resolve) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let status: string | undefined;
    const note = (headers: Readonly<Record<string, unknown>>) => {
      if (headers["grpc-status"] !== undefined)
        status =
          headers["grpc-status"] === "0"
            ? ""
            : `status ${headers["grpc-status"]}: ${headers["grpc-message"]}`;
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("error", (error) => resolve(error.message));
    stream.on("close", () => resolve(status === "" ? undefined : (status ?? "no status")));
    stream.resume();
    stream.end(body);
  });
}

/** A gRPC message: not compressed, its length, its bytes. */
function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [name, seconds, ...endpoints] = process.argv.slice(2);
  const load = loads.find((row) => row.name === name);
  if (load === undefined)
    throw new Error(`no load "${name}"; there are ${loads.map((row) => row.name).join(", ")}`);
  process.stdout.write(`${JSON.stringify(await drive(load, endpoints, Number(seconds)))}\n`);
}
