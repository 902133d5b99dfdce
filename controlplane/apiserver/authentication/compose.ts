import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import { orAnonymous } from "./anonymous.ts";
import {
  type Authenticator,
  firstOf,
  forServerOnly,
  type TokenAuthenticator,
  withAuthenticatedGroup,
} from "./authenticator.ts";
import { bearerToken, webSocketToken } from "./bearer-token.ts";
import { boundObjects } from "./bound-objects.ts";
import { clientCertificate } from "./client-certificate.ts";
import type { AuthenticationConfig } from "./config.ts";
import { legacyTokens } from "./legacy-tokens.ts";
import { requestHeader } from "./request-header.ts";
import { serviceAccountTokens } from "./service-account-tokens.ts";
import { bundleFingerprints } from "./shown-certificate.ts";
import { staticTokens } from "./static-tokens.ts";

export type AuthenticationDeps = LookupDeps & { readonly clock: Clock; readonly log: Log };

/** Everything by which this server knows users, asked in Kubernetes' order: what a front proxy says, the certificate,
 *  the bearer token, and else nobody in particular. */
export function authenticators(
  config: AuthenticationConfig & { readonly clientAuthorityPem: string },
  deps: AuthenticationDeps,
): Authenticator {
  const { audiences } = config;
  const proxies = config.requestHeader;
  // With one authority the connection's own check says all.
  const ofUsers = proxies && bundleFingerprints(config.clientAuthorityPem);
  const tokens = firstOf<Parameters<TokenAuthenticator>>(tokenAuthenticators(config, deps));
  const known = withAuthenticatedGroup(
    firstOf<Parameters<Authenticator>>([
      ...(proxies ? [requestHeader(proxies, bundleFingerprints(proxies.authorityPem), audiences)] : []),
      clientCertificate(ofUsers),
      bearerToken(tokens),
      webSocketToken(tokens),
    ]),
  );
  return config.anonymous ? orAnonymous(known) : known;
}

/** Those that need no more than this server come first. */
function tokenAuthenticators(
  { audiences, staticTokens: known, serviceAccounts }: AuthenticationConfig,
  deps: AuthenticationDeps,
): readonly TokenAuthenticator[] {
  const found: TokenAuthenticator[] = [];
  if (known !== undefined) found.push(forServerOnly(audiences, staticTokens(known)));
  if (serviceAccounts !== undefined) {
    const { issuers, keys } = serviceAccounts;
    const parts = { objects: boundObjects(deps), clock: deps.clock };
    found.push(legacyTokens({ keys, audiences }, parts));
    found.push(serviceAccountTokens({ issuers, keys, audiences }, parts));
  }
  return found;
}
