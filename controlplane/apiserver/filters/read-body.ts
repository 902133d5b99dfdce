import type { IncomingMessage } from "node:http";
import type { Cancellation } from "../../../base/cancellation.ts";
import { badRequest, bodyTooLarge } from "../api-error.ts";
import type { BodiesUnderWay } from "./bodies-under-way.ts";

/** The most a request may bring, as in Kubernetes. */
export const bodyBytesMax = 3 * 1024 * 1024;

export interface BodyBounds {
  /** Ends the reading with its reason: the request's time is up. */
  readonly cancellation: Cancellation;
  readonly underWay: BodiesUnderWay;
}

const nothing = Buffer.alloc(0);

/** The whole body: at once where all of it has arrived, as short ones have. Fails with 413, with 429 where all bodies together are
 *  too much, and with the cancellation's reason. */
export function readBody(request: IncomingMessage, bounds: BodyBounds): Uint8Array | Promise<Uint8Array> {
  if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
  if (bounds.cancellation.isCancelled) throw bounds.cancellation.reason;
  const arrived: Buffer = request.read() ?? nothing;
  if (arrived.length > bodyBytesMax) throw bodyTooLarge(bodyBytesMax);
  return request.complete && request.readableLength === 0 ? arrived : readRest(request, arrived, bounds);
}

/** @param arrived The beginning of it. */
function readRest(
  request: IncomingMessage,
  arrived: Buffer,
  { cancellation: { signal }, underWay }: BodyBounds,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const fail = (error: unknown) => {
      stop();
      request.pause();
      reject(error);
    };
    const place = underWay.enter(fail);
    const onData = (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > bodyBytesMax) return fail(bodyTooLarge(bodyBytesMax));
      chunks.push(chunk);
      place.grow(chunk.length);
    };
    const onEnd = () => {
      stop();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    };
    const onClose = () => fail(badRequest("unexpected EOF"));
    const onAbort = () => fail(signal.reason);
    const stop = () => {
      place.leave();
      request.off("data", onData).off("end", onEnd).off("error", fail).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
    };
    request.on("data", onData).on("end", onEnd).on("error", fail).on("close", onClose);
    signal.addEventListener("abort", onAbort, { once: true });
    if (arrived.length > 0) onData(arrived);
  });
}
