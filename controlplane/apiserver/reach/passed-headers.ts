import type { IncomingMessage } from "node:http";

/** Which headers of a request or an answer that is passed on are of the connection it came by, and how the next one is told where
 *  a request ends. */

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

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

export function headerPairs({ rawHeaders }: Pick<IncomingMessage, "rawHeaders">): HeaderPairs {
  const out: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    out.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  return out;
}

/** In lower case; what stands in `Connection` is of the connection as well. */
export function connectionOnly(headers: HeaderPairs): ReadonlySet<string> {
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((one) => one.trim().toLowerCase()));
  return new Set([...hopByHop, ...named]);
}

/** The same for a request, whose length is said by `bodyFraming`. */
export function requestConnectionOnly(headers: HeaderPairs): ReadonlySet<string> {
  return new Set([...connectionOnly(headers), "content-length"]);
}

/** The header, name and value, that says where the body ends of a request that is passed on; none where it has no body. Node
 *  writes the bodies of some methods without any, and whoever reads them would take them for requests of their own. */
export function bodyFraming(
  request: Pick<IncomingMessage, "headers" | "httpVersionMajor" | "complete" | "readableLength">,
): readonly string[] {
  const { headers, httpVersionMajor, complete, readableLength } = request;
  const length = headers["content-length"];
  if (length !== undefined) return ["Content-Length", length];
  // HTTP/2 need not say that a body comes.
  const mayCome = httpVersionMajor === 2 && (!complete || readableLength > 0);
  return mayCome || headers["transfer-encoding"] !== undefined ? ["Transfer-Encoding", "chunked"] : [];
}
