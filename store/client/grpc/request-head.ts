import { requestHead } from "../../../base/grpc/request-head.ts";
import type { Endpoint } from "../endpoints.ts";
import type { CallSettings } from "../transport.ts";

interface Head {
  readonly timeoutMs: number | undefined;
  readonly token: string | undefined;
  readonly block: Buffer;
}

/** The headers of one member's requests. Those of a method are written anew only where its deadline or token is another. */
export class RequestHeads {
  readonly #scheme: string;
  readonly #authority: string;
  readonly #plain = new Map<string, Head>();
  readonly #withLeader = new Map<string, Head>();

  constructor({ address, isSocket, secure }: Endpoint) {
    this.#scheme = secure ? "https" : "http";
    this.#authority = isSocket ? "localhost" : address;
  }

  /** `timeoutMs` in whole milliseconds. */
  of(
    path: string,
    { requireLeader, token }: Pick<CallSettings, "requireLeader" | "token">,
    timeoutMs?: number,
    /** Which trace asks; what is traced has a head of its own. */
    trace?: string,
  ): Buffer {
    const known = requireLeader ? this.#withLeader : this.#plain;
    const last = known.get(path);
    if (last !== undefined && last.timeoutMs === timeoutMs && last.token === token && trace === undefined)
      return last.block;
    const block = requestHead({
      scheme: this.#scheme,
      authority: this.#authority,
      path,
      timeoutMs,
      metadata: [
        ...(requireLeader ? [{ name: "hasleader", value: "true" }] : []),
        ...(token === undefined ? [] : [{ name: "token", value: token }]),
        ...(trace === undefined ? [] : [{ name: "traceparent", value: trace }]),
      ],
    });
    if (trace === undefined) known.set(path, { timeoutMs, token, block });
    return block;
  }
}
