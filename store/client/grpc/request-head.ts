import { headerBlock } from "../../../base/http2/header-block.ts";
import type { Endpoint } from "../endpoints.ts";

/** No call waits longer than gRPC can say in milliseconds. */
const timeoutMsMost = 99_999_999;

interface Head {
  readonly timeoutMs: number | undefined;
  readonly block: Buffer;
}

/** The headers of one member's requests. Those of a method are written anew only where its deadline is another. */
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
  of(path: string, requireLeader: boolean, timeoutMs?: number): Buffer {
    const known = requireLeader ? this.#withLeader : this.#plain;
    const last = known.get(path);
    if (last !== undefined && last.timeoutMs === timeoutMs) return last.block;
    const block = headerBlock([
      { name: ":method", value: "POST" },
      { name: ":scheme", value: this.#scheme },
      { name: ":path", value: path },
      { name: ":authority", value: this.#authority },
      { name: "te", value: "trailers" },
      { name: "content-type", value: "application/grpc" },
      { name: "user-agent", value: "grpc-pintle" },
      ...(timeoutMs === undefined
        ? []
        : [{ name: "grpc-timeout", value: `${Math.min(timeoutMs, timeoutMsMost)}m` }]),
      ...(requireLeader ? [{ name: "hasleader", value: "true" }] : []),
    ]);
    known.set(path, { timeoutMs, block });
    return block;
  }
}
