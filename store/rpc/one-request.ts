import { StatusError } from "../../base/grpc/status.ts";
import type { StreamHandler } from "./handler.ts";

/** A stream of answers to one request: none at all is refused, and so is another. */
export const oneRequest =
  (handler: StreamHandler): StreamHandler =>
  (out, call) => {
    const incoming = handler(out, call);
    let isAsked = false;
    return {
      message(bytes) {
        if (isAsked) throw violation("multiple request messages for");
        isAsked = true;
        return incoming.message(bytes);
      },
      halfClose() {
        if (!isAsked) throw violation("no request message from");
        incoming.halfClose();
      },
      drained: () => incoming.drained(),
      closed: () => incoming.closed(),
    };
  };

/** grpc-go's words. */
const violation = (received: string) =>
  new StatusError("INTERNAL", `cardinality violation: received ${received} non-client-streaming RPC`);
