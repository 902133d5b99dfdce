import { type ForwardSettings, noEdits } from "../route.ts";

/** As an Ingress without annotations has them. */
export const defaultSettings: ForwardSettings = {
  protocol: "http",
  connectTimeoutMs: 5_000,
  readTimeoutMs: 60_000,
  sendTimeoutMs: 60_000,
  requestTimeoutMs: undefined,
  attemptTimeoutMs: undefined,
  retry: { reasons: ["error", "timeout"], statuses: [], triesMost: 3, withinMs: undefined },
  bodyBytesMost: undefined,
  rewrite: undefined,
  appRoot: undefined,
  host: undefined,
  forwardedPrefix: undefined,
  affinity: undefined,
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  tlsName: undefined,
};
