import { connect } from "node:net";
import { requestHead } from "../grpc/request-head.ts";
import { unary } from "../grpc/unary.ts";
import { ClientChannel } from "../http2/client-channel.ts";
import { requestsMost } from "../http2/client-connection.ts";
import type { Clock } from "../os/clock.ts";
import type { Random } from "../os/random.ts";
import { type Resource, traceRequest } from "./otlp-message.ts";
import type { SpanSender } from "./span-queue.ts";

const answerTimeoutMs = 10_000;
const answerBytesMax = 64 * 1024;
const path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** OTLP over gRPC in plain text, as Kubernetes and etcd send it. @param place `HOST:PORT`. */
export function grpcSender(
  place: { readonly host: string; readonly port: number } | { readonly path: string },
  {
    resource,
    scope,
    clock,
    random,
  }: { readonly resource: Resource; readonly scope: string; readonly clock: Clock; readonly random: Random },
): SpanSender {
  const errorOf = ({ status, message }: { readonly status: string; readonly message: string }) =>
    new Error(`${status}: ${message}`);
  const channel = new ClientChannel<Error>({
    dial: (onConnected) =>
      connect({ ...place, noDelay: true })
        .once("connect", onConnected)
        .unref(),
    limits: {
      streamWindowBytes: 1 << 16,
      connectionWindowBytes: 1 << 20,
      headerListBytesMost: 16 << 10,
      requestsMost,
      silence: { silentMostMs: 360_000, answerWithinMs: 20_000 },
    },
    connectWithinMs: 5_000,
    redialWait: { firstMs: 500, mostMs: 10_000 },
    clock,
    random,
    unavailable: (why) => new Error(`the collector cannot be reached: ${why.message}`),
  });
  const authority = "host" in place ? `${place.host}:${place.port}` : "localhost";
  return {
    send: async (spans) => {
      const head = requestHead({ scheme: "http", authority, path, timeoutMs: answerTimeoutMs });
      await unary(
        { channel, errorOf, messageBytesMost: answerBytesMax },
        { head, request: traceRequest(spans, resource, scope), timeoutMs: answerTimeoutMs, clock },
      );
    },
    close: () => channel.close("the collector is not needed any more"),
  };
}
