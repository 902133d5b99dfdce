import type { Header } from "./header.ts";

/** Headers that mean one connection of HTTP/1.1; HTTP/2 forbids them (RFC 9113, section 8.2.2). */
export const ofConnections: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
export const namePattern = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** Control characters anywhere, and white space at an end (section 8.2.1). */
const badValue = /[\x00-\x08\x0a-\x1f\x7f]|^[\t ]|[\t ]$/;

/** Whether a header may have this value, as far as HTTP/2 has to do with it. */
export const isValue = (text: string): boolean => !badValue.test(text);

/** Whether a block of headers begins a message, as only that has pseudo-headers. */
export const hasPseudo = (headers: readonly Header[]): boolean => headers[0]?.name.startsWith(":") === true;

/** Whether headers may stand behind a body: regular fields, each of them valid (sections 8.1 and 8.2). */
export function isTrailers(headers: readonly Header[]): boolean {
  for (const { name, value } of headers)
    if (!namePattern.test(name) || ofConnections.has(name) || !isValue(value)) return false;
  return true;
}
