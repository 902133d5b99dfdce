import { connect, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";
import type { CallFailure } from "../../base/grpc/answer-status.ts";
import type { CallWay } from "../../base/grpc/grpc-call.ts";
import { requestHead } from "../../base/grpc/request-head.ts";
import { unary } from "../../base/grpc/unary.ts";
import { ClientChannel } from "../../base/http2/client-channel.ts";
import { requestsMost } from "../../base/http2/client-connection.ts";
import type { Os } from "../../base/os/os.ts";
import type { Verdict } from "../core/verdict.ts";
import { type Access, authorizationOf, type TlsTexts, tlsTexts } from "./access.ts";
import { shownText } from "./http-post.ts";
import { partialVerdict } from "./otlp.ts";
import { type OtlpShape, otlpBody } from "./otlp-body.ts";
import type { Receiver } from "./receiver.ts";

const path = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const answerBytesMost = 4 * 1024 * 1024;

class ExportError extends Error {
  override readonly name = "ExportError";
  readonly failure: CallFailure;

  constructor(failure: CallFailure) {
    super(`${failure.status}: ${failure.message}`);
    this.failure = failure;
  }
}

/** The same by gRPC, over one connection that is made anew when certificates have changed. */
export function otlpGrpcReceiver(
  access: Access,
  shape: OtlpShape,
  os: Pick<Os, "clock" | "random">,
): Receiver {
  const isSecure = access.url.protocol === "https:";
  let way: CallWay<ExportError> | undefined;
  let said = "";
  const wayWith = (tls: TlsTexts) => {
    const now = JSON.stringify(tls);
    if (way !== undefined && said === now) return way;
    way?.channel.close("certificates have changed");
    said = now;
    way = {
      channel: channelTo(access, tls, os),
      errorOf: (failure) => new ExportError(failure),
      messageBytesMost: answerBytesMost,
    };
    return way;
  };
  return {
    async send(records, signal) {
      const authorization = await authorizationOf(access);
      const metadata = Object.entries({ ...access.headers, ...(authorization && { authorization }) });
      const head = requestHead({
        scheme: isSecure ? "https" : "http",
        authority: access.url.host,
        path,
        timeoutMs: access.timeoutMs,
        metadata: metadata.map(([name, value]) => ({ name: name.toLowerCase(), value })),
      });
      const request = otlpBody(records, shape);
      const options = { head, request, timeoutMs: access.timeoutMs, signal, clock: os.clock };
      try {
        return partialVerdict(await unary(wayWith(await tlsTexts(access)), options));
      } catch (error) {
        if (!(error instanceof ExportError)) throw error;
        return verdictOfFailure(error.failure);
      }
    },
    close: async () => way?.channel.close("shipping ends"),
  };
}

/** Only what blames the message is its fault. */
function verdictOfFailure({ status, message }: CallFailure): Verdict {
  const why = shownText(`${status}: ${message}`);
  return { kind: status === "INVALID_ARGUMENT" ? "refused" : "later", why };
}

function channelTo(
  { url }: Access,
  tls: TlsTexts,
  os: Pick<Os, "clock" | "random">,
): ClientChannel<ExportError> {
  return new ClientChannel<ExportError>({
    dial: (onConnected) => dial(url, tls, onConnected),
    limits: {
      streamWindowBytes: 1 << 20,
      connectionWindowBytes: 4 << 20,
      headerListBytesMost: 64 << 10,
      requestsMost,
      silence: { silentMostMs: 360_000, answerWithinMs: 20_000 },
    },
    connectWithinMs: 10_000,
    // Whoever sends waits long enough between two attempts.
    redialWait: { firstMs: 1, mostMs: 1 },
    clock: os.clock,
    random: os.random,
    unavailable: (why) =>
      new ExportError({
        status: "UNAVAILABLE",
        message: `${url.host} cannot be reached: ${why.message}`,
        sent: false,
      }),
  });
}

function dial(url: URL, tls: TlsTexts, onConnected: () => void): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol !== "https:")
    return connect({ host, port: Number(url.port || 80), noDelay: true }).once("connect", onConnected);
  const name = tls.servername ?? host;
  const socket = connectTls({
    ...tls,
    host,
    port: Number(url.port || 443),
    servername: isIP(name) === 0 ? name : "",
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ALPNProtocols: ["h2"],
  });
  return socket.setNoDelay().once("secureConnect", () => {
    if (socket.alpnProtocol === "h2") onConnected();
    else socket.destroy(new Error("the server does not speak HTTP/2"));
  });
}
