import type { ClientRequest } from "./client-request.ts";
import { rewrittenPath } from "./path-rewrite.ts";
import type { RedirectParts } from "./route.ts";

/** Where a client is led. Pure. */
export function locationFor(to: string | RedirectParts, request: ClientRequest): string {
  if (typeof to === "string") return to;
  const { front, target, host } = request;
  const here = front.isTls ? "https" : "http";
  const scheme = to.scheme ?? here;
  // Another scheme's own port, or the one that the client came by.
  const port = to.port ?? (to.scheme === undefined ? front.port : wellKnown[scheme]);
  const path =
    to.path === undefined ? `${target.rawPath}${target.query}` : rewrittenPath(to.path, target, []);
  return `${scheme}://${to.host ?? host}${port === wellKnown[scheme] ? "" : `:${port}`}${path}`;
}

const wellKnown = { http: 80, https: 443 } as const;
