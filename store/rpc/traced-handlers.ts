import { grpcStatus } from "../../base/grpc/status.ts";
import { parseTraceparent } from "../../base/tracing/trace-context.ts";
import type { Tracer } from "../../base/tracing/tracer.ts";
import type { Handlers, UnaryAnswer, UnaryHandler } from "./handler.ts";
import { wireStatus } from "./status.ts";

/** Handlers whose requests are spans: from when a request is whole until its answer is known, hanging on whom the client says asks
 *  (`traceparent`), named and described as OpenTelemetry's instrumentation of gRPC does. Streams have none: they end with their
 *  clients. */
export function tracedHandlers({ unary, streams }: Handlers, tracer: Tracer): Handlers {
  const traced = [...unary].map(([path, handler]) => [path, tracedUnary(path, handler, tracer)] as const);
  return { unary: new Map(traced), streams };
}

function tracedUnary(path: string, handler: UnaryHandler, tracer: Tracer): UnaryHandler {
  const name = path.slice(1);
  const [service = "", method = ""] = name.split("/");
  const attributes = { "rpc.system": "grpc", "rpc.service": service, "rpc.method": method };
  return (bytes, call, out) => {
    const span = tracer.start({
      name,
      kind: "server",
      attributes,
      parent: parseTraceparent(call.traceparent),
    });
    if (span === undefined) {
      handler(bytes, call, out);
      return;
    }
    const ended: UnaryAnswer = {
      succeed(answer) {
        span.has({
          "rpc.grpc.status_code": 0,
          "rpc.request.bytes": bytes.length,
          "rpc.response.bytes": answer.length,
        });
        span.end();
        out.succeed(answer);
      },
      fail(error) {
        const { status, message } = wireStatus(error);
        span.has({ "rpc.grpc.status_code": grpcStatus[status] });
        span.fails(message);
        span.end();
        out.fail(error);
      },
    };
    try {
      handler(bytes, call, ended);
    } catch (error) {
      ended.fail(error);
    }
  };
}
