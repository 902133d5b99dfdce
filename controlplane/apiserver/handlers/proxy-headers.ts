import type { IncomingMessage } from "node:http";

type Pairs = readonly (readonly [name: string, value: string])[];

/** Of one connection, not of what is passed on. */
const hopByHop = [
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];
const ofOrigins = [
  "access-control-allow-credentials",
  "access-control-allow-headers",
  "access-control-allow-methods",
  "access-control-allow-origin",
];

function pairs({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): Pairs {
  const out: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    out.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  return out;
}

/** What stands in `Connection` is of the connection as well. */
function connectionOnly(headers: Pairs): ReadonlySet<string> {
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((one) => one.trim().toLowerCase()));
  return new Set([...hopByHop, ...named]);
}

/** Who asks is for the API server to know: credentials, and in whose name they are used, end here. */
const isCredential = (name: string) =>
  name === "authorization" || name.startsWith("impersonate-") || name.startsWith("x-remote-");

/** The headers that a proxied request goes on with. @param upgrade The protocol that it asks for, if it asks for one. */
export function requestHeaders(
  request: Pick<IncomingMessage, "rawHeaders">,
  facts: { readonly remoteAddress: string; readonly uri: string; readonly upgrade?: string },
): readonly string[] {
  const all = pairs(request);
  const own = connectionOnly(all);
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
      ? ["X-Forwarded-Uri", facts.uri]
      : ["Connection", "Upgrade", "Upgrade", facts.upgrade]),
  ];
}

/** The headers that an answer goes back with. A proxied page must not open the API server to other origins. */
export function responseHeaders(response: Pick<IncomingMessage, "rawHeaders">): Pairs {
  const all = pairs(response);
  const own = connectionOnly(all);
  return all.filter(([name]) => !own.has(name.toLowerCase()) && !ofOrigins.includes(name.toLowerCase()));
}
