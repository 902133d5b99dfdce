import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** An answer in place of the 101 that the client hoped for. */
export function refuseUpgrade(
  socket: Duplex,
  {
    code,
    missing,
    headers = [],
  }: { readonly code: number; readonly missing: string; readonly headers?: readonly string[] },
): void {
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? "Error"}`,
    "content-type: text/plain; charset=utf-8",
    `content-length: ${Buffer.byteLength(missing)}`,
    "connection: close",
    ...headers,
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${missing}`);
}
