import type { IncomingMessage, ServerResponse } from "node:http";

/** Who may ask over HTTP, as etcd's --cors and --host-whitelist say; "*" and an empty list mean everybody. */
export interface Access {
  readonly origins: readonly string[];
  readonly hosts: readonly string[];
}

const allows = (list: readonly string[], value: string): boolean =>
  list.length === 0 || list.includes("*") || list.includes(value);

/** Adds the headers that let a page of an allowed origin read the answer. */
export function addCrossOriginHeaders(
  access: Access,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const origin = allows(access.origins, "*") ? "*" : request.headers.origin;
  if (origin === undefined || !allows(access.origins, origin)) return;
  response.setHeader("access-control-allow-methods", "POST, GET, OPTIONS, PUT, DELETE");
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-headers", "accept, content-type, authorization");
}

/** Why a request is refused for the host that it names. */
export function hostProblem(access: Access, request: IncomingMessage): string | undefined {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  if (allows(access.hosts, host)) return undefined;
  return (
    `the Host header names ${JSON.stringify(host)}, which is not allowed: ` +
    "use TLS, or add it to --host-whitelist (against DNS rebinding, CVE-2018-5702)\n"
  );
}
