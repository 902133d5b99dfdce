import { type ForwardSettings, noEdits } from "./route.ts";

/** Without what a route says: as Ingresses have it, and no bound of bodies. */
export const plainSettings: ForwardSettings = {
  protocol: "http",
  connectTimeoutMs: 5_000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  requestTimeoutMs: undefined,
  attemptTimeoutMs: undefined,
  retry: {
    reasons: ["error", "timeout"],
    statuses: [],
    triesMost: 3,
    withinMs: undefined,
    backoffMs: 0,
    again: false,
  },
  mirrors: [],
  bodyBytesMost: undefined,
  rewrite: undefined,
  appRoot: undefined,
  host: undefined,
  forwardedPrefix: undefined,
  affinity: undefined,
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  tlsName: undefined,
  trust: undefined,
};
