import type { ServerResponse } from "node:http";
import { safeHeaders } from "./hygiene.ts";

/** An answer of our own, as JSON. */
export function json(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, {
    ...safeHeaders,
    "content-type": "application/json",
    "cache-control": "no-store",
    ...headers,
  });
  response.end(JSON.stringify(body));
}

/** A refusal, in the shape that the cluster's API gives its own. */
export function statusText(response: ServerResponse, code: number, message: string): void {
  json(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", code, message });
}
