import type { Authorizer } from "../filters/authorizer.ts";
import type { Gate } from "../filters/identity.ts";
import { LastModes } from "../filters/impersonation.ts";
import type { ApiserverConfig } from "../flags.ts";
import { type AuthenticationDeps, authenticators } from "./compose.ts";
import { isRequestHeader } from "./request-header.ts";

/** By what senders are known here. */
export function gateOf(
  { authentication, tls }: ApiserverConfig,
  deps: AuthenticationDeps & { readonly authorizer: Authorizer },
): Gate {
  const { requestHeader, audiences } = authentication;
  return {
    authenticate: authenticators({ ...authentication, clientAuthorityPem: tls.clientCa }, deps),
    audiences: audiences.length === 0 ? undefined : audiences,
    lastModes: new LastModes(),
    isProxyHeader: (name) => requestHeader !== undefined && isRequestHeader(requestHeader, name),
    authorizer: deps.authorizer,
  };
}
