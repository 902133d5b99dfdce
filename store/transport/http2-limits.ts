import type { Http2Limits } from "../../base/http2/limits.ts";

/** What a client of the store may ask for on one connection. */
export const http2Limits: Http2Limits = {
  streamsMost: 10_000,
  streamWindowBytes: 1 << 20,
  connectionWindowBytes: 4 << 20,
  headerListBytesMost: 64 * 1024,
  // What gRPC's library for Go gives a client to begin.
  headWithinMs: 120_000,
};
