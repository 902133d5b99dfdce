import type { Header } from "./header.ts";

const pseudo = new Set([":method", ":scheme", ":authority", ":path"]);
const ofConnections = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
const name = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const badValue = /[\0\r\n]/;

/** Whether these headers are a request (RFC 9113, section 8.3.1). An `:authority` may be anything: etcd's client 3.4 sends
 *  its endpoint as it was written, `http://host:port`, where no authority has a scheme. */
export function isRequest(headers: readonly Header[]): boolean {
  const seen = new Set<string>();
  let isPseudoOver = false;
  for (const header of headers) {
    if (badValue.test(header.value)) return false;
    if (header.name.startsWith(":")) {
      if (isPseudoOver || seen.has(header.name) || !pseudo.has(header.name)) return false;
      seen.add(header.name);
      continue;
    }
    isPseudoOver = true;
    if (!name.test(header.name) || ofConnections.has(header.name)) return false;
    if (header.name === "te" && header.value !== "trailers") return false;
  }
  const path = headerValue(headers, ":path");
  return seen.has(":method") && seen.has(":scheme") && path !== undefined && path !== "";
}

export function headerValue(headers: readonly Header[], wanted: string): string | undefined {
  for (const header of headers) if (header.name === wanted) return header.value;
  return undefined;
}
