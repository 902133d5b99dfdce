import type { IncomingMessage } from "node:http";
import {
  bodyFraming,
  connectionOnly,
  type HeaderPairs,
  headerPairs,
  requestConnectionOnly,
} from "../reach/passed-headers.ts";

const ofOrigins = [
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
];

/** Who asks is for the API server to know: credentials, and in whose name they are used, end here. */
const isCredential = (name: string) =>
  name === "authorization" || name.startsWith("impersonate-") || name.startsWith("x-remote-");

/** The headers that a proxied request goes on with. @param upgrade The protocol that it asks for, if it asks for one. */
export function requestHeaders(
  request: IncomingMessage,
  facts: { readonly remoteAddress: string; readonly uri: string; readonly upgrade?: string },
): readonly string[] {
  const all = headerPairs(request);
  const own = requestConnectionOnly(all);
  const kept = all.filter(([name]) => {
    const lower = name.toLowerCase();
    return !own.has(lower) && !isCredential(lower) && !["x-forwarded-for", "x-forwarded-uri"].includes(lower);
  });
  const before = all.filter(([name]) => name.toLowerCase() === "x-forwarded-for").map(([, value]) => value);
  return [
    ...kept.flat(),
    "X-Forwarded-For",
    [...before, facts.remoteAddress].join(", "),
    ...(facts.upgrade === undefined
      ? ["X-Forwarded-Uri", facts.uri, ...bodyFraming(request)]
      : ["Connection", "Upgrade", "Upgrade", facts.upgrade]),
  ];
}

/** The headers that an answer goes back with. A proxied page must not open the API server to other origins. */
export function responseHeaders(response: Pick<IncomingMessage, "rawHeaders">): HeaderPairs {
  const all = headerPairs(response);
  const own = connectionOnly(all);
  return all.filter(([name]) => !own.has(name.toLowerCase()) && !ofOrigins.includes(name.toLowerCase()));
}
