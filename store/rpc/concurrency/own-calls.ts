import { StatusError } from "../../../base/grpc/status.ts";
import type { Encodable } from "../../../base/protobuf.ts";
import {
  type WatchCreateRequest,
  type WatchResponse,
  watchRequest,
  watchResponse,
} from "../../../proto/etcd.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import { storeErrors } from "../../errors.ts";
import type { Call, Handlers } from "../handler.ts";
import { joinsParts } from "../handler.ts";
import { answerOf } from "../promised-answer.ts";

/** What services of several steps ask of the others, in the name of whoever called them: who may do a step is decided there.
 *  Like etcd's, they tell what a step was refused for as UNKNOWN. */
export class OwnCalls {
  readonly #handlers: Handlers;
  readonly #call: Call;
  /** Aborted once nobody waits any more. */
  readonly signal: AbortSignal | undefined;

  constructor(handlers: Handlers, call: Call) {
    this.#handlers = handlers;
    const { requireLeader, token, certificateName, isOwn } = call;
    this.#call = { requireLeader, token, certificateName, ...(isOwn && { isOwn }) };
    this.signal = call.signal;
  }

  async ask<Q extends object, A extends object>(method: Method<Q, A>, request: Encodable<Q>): Promise<A> {
    const handler = this.#handlers.unary.get(method.path);
    if (handler === undefined) throw new TypeError(`${method.path} is no unary call`);
    try {
      return method.response.decode(await answerOf(handler, method.request.encode(request), this.#call));
    } catch (error) {
      throw asUnknown(error);
    }
  }

  /** Hands each answer of a watch to `take` until that answers true, or nobody waits any more. Rejects where the watch ends. */
  watch(request: Encodable<WatchCreateRequest>, take: (answer: WatchResponse) => boolean): Promise<void> {
    const stream = this.#handlers.streams.get(methods.watch.path);
    if (stream === undefined) throw new TypeError("no watches are served");
    const { signal } = this;
    return new Promise((resolve, reject) => {
      let isOver = false;
      const end = (outcome: () => void) => {
        if (isOver) return;
        isOver = true;
        signal?.removeEventListener("abort", onAbort);
        incoming.closed();
        outcome();
      };
      const onAbort = () => end(() => reject(signal?.reason));
      const send = (bytes: Uint8Array) => {
        const answer = watchResponse.decode(bytes);
        if (answer.canceled) end(() => reject(endedWatch(answer)));
        else if (!isOver && take(answer)) end(resolve);
        return true;
      };
      const out = {
        send,
        sendParts: joinsParts(send),
        end: (error?: Error) => end(() => reject(asUnknown(error))),
      };
      const incoming = stream.handler(out, this.#call);
      if (signal?.aborted) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      const created = incoming.message(watchRequest.encode({ createRequest: request }));
      created?.catch((error: unknown) => end(() => reject(asUnknown(error))));
    });
  }
}

const endedWatch = ({ cancelReason, compactRevision }: WatchResponse): StatusError =>
  new StatusError("UNKNOWN", compactRevision > 0 ? storeErrors.COMPACTED.message : cancelReason);

const asUnknown = (error: unknown): StatusError =>
  new StatusError("UNKNOWN", error instanceof Error ? error.message : "the watch ended");
