import type { GrpcStatus } from "../../base/grpc/status.ts";
import type { CountedCall } from "../rpc/counted-call.ts";
import type { Handlers, Incoming, StreamHandler, UnaryHandler } from "../rpc/handler.ts";
import { wireStatus } from "../rpc/status.ts";

export interface Counts {
  /** A call of the method at `path` begins. */
  begin(path: string): CountedCall;
  /** By the monotonic clock. */
  readonly nowMs: () => number;
}

/** The handlers, with their calls counted. etcd's gateway is a gRPC client of its own member, so that what is asked in JSON
 *  stands among the calls of gRPC. */
export function countedHandlers({ unary, streams }: Handlers, counts: Counts): Handlers {
  return {
    unary: new Map([...unary].map(([path, handler]) => [path, countedUnary(path, handler, counts)])),
    streams: new Map(
      [...streams].map(([path, { handler, kind }]) => [
        path,
        { handler: countedStream(path, handler, counts), kind },
      ]),
    ),
  };
}

/** Begun at once; tells its end once. */
function begun(path: string, { begin, nowMs }: Counts) {
  const counted = begin(path);
  const beganMs = nowMs();
  let isOver = false;
  const finish = (status: GrpcStatus) => {
    if (isOver) return;
    isOver = true;
    counted.finish(status, nowMs() - beganMs);
  };
  return { counted, finish };
}

function countedUnary(path: string, handler: UnaryHandler, counts: Counts): UnaryHandler {
  return (request, call, out) => {
    const { counted, finish } = begun(path, counts);
    counted.received(request.length);
    const fail = (error: unknown) => {
      finish(wireStatus(error).status);
      out.fail(error);
    };
    const succeed = (answer: Uint8Array) => {
      counted.sent(answer.length);
      finish("OK");
      out.succeed(answer);
    };
    try {
      handler(request, { ...call, accepted: () => counted.accepted() }, { succeed, fail });
    } catch (error) {
      fail(error);
    }
  };
}

function countedStream(path: string, handler: StreamHandler, counts: Counts): StreamHandler {
  return (out, call) => {
    const { counted, finish } = begun(path, counts);
    const failed = (error: unknown): never => {
      finish(wireStatus(error).status);
      throw error;
    };
    const counting = {
      send(message: Uint8Array) {
        counted.sent(message.length);
        return out.send(message);
      },
      sendParts(head: Uint8Array, rest: Uint8Array) {
        counted.sent(head.length + rest.length);
        return out.sendParts(head, rest);
      },
      end(error?: Error) {
        finish(error === undefined ? "OK" : wireStatus(error).status);
        out.end(error);
      },
    };
    let incoming: Incoming;
    try {
      incoming = handler(counting, { ...call, accepted: () => counted.accepted() });
    } catch (error) {
      return failed(error);
    }
    return {
      async message(bytes) {
        counted.received(bytes.length);
        try {
          await incoming.message(bytes);
        } catch (error) {
          failed(error);
        }
      },
      halfClose: () => incoming.halfClose(),
      drained: () => incoming.drained(),
      closed() {
        finish("CANCELLED");
        incoming.closed();
      },
    };
  };
}
