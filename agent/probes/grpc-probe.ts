import { connect, constants, type IncomingHttpHeaders } from "node:http2";
import { describeError } from "../../base/os/log.ts";
import { WireReader, WireWriter } from "../../base/wire.ts";
import type { Probe } from "../../client/types.ts";
import { kubernetesVersion } from "../../client/version.ts";
import type { ProbeLimits, ProbeResult } from "./run-probe.ts";

/** Far more than an answer of the health protocol needs. */
const answerBytesMax = 4096;
/** gRPC's status codes that are told apart here. */
const [ok, deadlineExceeded, unimplemented] = [0, 4, 12];
const servingStatuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

interface Answer {
  readonly grpcStatus: number;
  readonly message: string;
  readonly body: Buffer;
}

/** Asks `grpc.health.v1.Health/Check`, over a connection of its own and without TLS, as the kubelet does. */
export async function grpcProbe(
  { port, service = "" }: NonNullable<Probe["grpc"]>,
  host: string,
  { timeoutMs, signal }: ProbeLimits,
): Promise<ProbeResult> {
  const failure = (message: string): ProbeResult => ({ ok: false, message });
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const session = connect(`http://${address}`);
  const stop = () => session.destroy();
  signal?.addEventListener("abort", stop, { once: true });
  let connected = false;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, timeoutMs);
  try {
    await new Promise<void>((resolve, reject) => {
      // The server's first word: only then is it known to speak HTTP/2.
      session.once("remoteSettings", () => resolve());
      session.once("error", reject);
      session.once("close", () => reject(new Error("the connection was closed")));
    });
    connected = true;
    session.on("error", () => undefined); // its requests tell
    const { grpcStatus, message, body } = await check(session, service, timeoutMs);
    if (grpcStatus === unimplemented)
      return failure(
        `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${message}`,
      );
    if (grpcStatus === deadlineExceeded) return failure(tooLate(timeoutMs));
    if (grpcStatus !== ok)
      return failure(`error: health rpc probe failed: rpc error: code = ${grpcStatus} desc = ${message}`);
    const status = servingStatus(body);
    if (status === "SERVING") return { ok: true, message: "service healthy" };
    return failure(`service unhealthy (responded with ${JSON.stringify(status)})`);
  } catch (error) {
    const seconds = `${timeoutMs / 1000}s`;
    if (late && connected) return failure(tooLate(timeoutMs));
    if (late)
      return failure(
        `timeout: failed to connect service ${JSON.stringify(address)} within ${seconds}: context deadline exceeded`,
      );
    const why = describeError(error);
    if (connected) return failure(`error: health rpc probe failed: ${why}`);
    return failure(`error: failed to connect service at ${JSON.stringify(address)}: ${why}`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
    session.destroy();
  }
}

const tooLate = (timeoutMs: number) => `timeout: health rpc did not complete within ${timeoutMs / 1000}s`;

function check(session: ReturnType<typeof connect>, service: string, timeoutMs: number): Promise<Answer> {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: "POST",
    [constants.HTTP2_HEADER_PATH]: "/grpc.health.v1.Health/Check",
    [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
    [constants.HTTP2_HEADER_USER_AGENT]: `kube-probe/${kubernetesVersion.major}.${kubernetesVersion.minor}`,
    [constants.HTTP2_HEADER_TE]: "trailers",
    "grpc-timeout": `${timeoutMs}m`,
  });
  stream.end(framed(checkRequest(service)));
  return new Promise((resolve, reject) => {
    let head: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    let size = 0;
    stream.once("response", (headers) => {
      head = headers;
    });
    stream.once("trailers", (headers) => {
      trailers = headers;
    });
    stream.on("data", (part: Buffer) => {
      size += part.length;
      if (size > answerBytesMax) stream.destroy(new Error("the answer is too long"));
      else parts.push(part);
    });
    stream.once("error", reject);
    stream.once("close", () => {
      // An answer without a body has its status among its headers.
      const all = { ...head, ...trailers };
      const status = all["grpc-status"];
      if (status === undefined)
        reject(new Error(`unexpected HTTP status code received from server: ${head[":status"] ?? "none"}`));
      else
        resolve({
          grpcStatus: Number(status),
          message: String(all["grpc-message"] ?? ""),
          body: Buffer.concat(parts),
        });
    });
  });
}

function checkRequest(service: string): Uint8Array {
  if (service === "") return new Uint8Array();
  return new WireWriter()
    .varint((1 << 3) | 2)
    .string(service)
    .finish();
}

/** Not compressed, and how long. */
function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function servingStatus(body: Buffer): string {
  if (body.length < 5 || body[0] !== 0) throw new Error("the answer is no message of gRPC");
  const reader = new WireReader(body, 5, 5 + body.readUInt32BE(1));
  let status = 0;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === 1 << 3) status = reader.varint();
    else reader.skip(tag & 7);
  }
  return servingStatuses[status] ?? String(status);
}
