import { isValue, namePattern, ofConnections } from "./fields.ts";
import type { Header } from "./header.ts";

const pseudo = new Set([":method", ":scheme", ":authority", ":path"]);
const schemePattern = /^[A-Za-z][A-Za-z0-9+\-.]*$/;
const methodPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** A target that HTTP/1.1 can be asked for as well. */
const targetPattern = /^(\*|\/[\x21-\x7e\x80-\xff]*)$/;
const lengthPattern = /^\d{1,15}$/;

/** What the connection has to know of a request. */
export interface RequestHead {
  /** How long its body is; undefined: as long as it gets. */
  readonly bodyBytes: number | undefined;
  /** It asks for a tunnel to somewhere else (section 8.5). */
  readonly isConnect: boolean;
}

/** Undefined where these headers are no request (RFC 9113, section 8.3.1). An `:authority` may be anything: etcd's client 3.4
 *  sends its endpoint as it was written, `http://host:port`, where no authority has a scheme. */
export function requestHead(headers: readonly Header[]): RequestHead | undefined {
  const seen = new Set<string>();
  let isPseudoOver = false;
  let length: string | undefined;
  for (const header of headers) {
    const { name, value } = header;
    if (!isValue(value)) return undefined;
    if (name.startsWith(":")) {
      if (isPseudoOver || seen.has(name) || !pseudo.has(name)) return undefined;
      seen.add(name);
      continue;
    }
    isPseudoOver = true;
    if (!namePattern.test(name) || ofConnections.has(name)) return undefined;
    if (name === "te" && value !== "trailers") return undefined;
    if (name !== "content-length") continue;
    if (!lengthPattern.test(value) || (length ?? value) !== value) return undefined;
    length = value;
  }
  const method = headerValue(headers, ":method") ?? "";
  const isConnect = method === "CONNECT";
  const isWhole = isConnect
    ? seen.has(":authority") && !seen.has(":scheme") && !seen.has(":path")
    : schemePattern.test(headerValue(headers, ":scheme") ?? "") &&
      methodPattern.test(method) &&
      targetPattern.test(headerValue(headers, ":path") ?? "");
  return isWhole ? { bodyBytes: length === undefined ? undefined : Number(length), isConnect } : undefined;
}

export function headerValue(headers: readonly Header[], wanted: string): string | undefined {
  for (const header of headers) if (header.name === wanted) return header.value;
  return undefined;
}
