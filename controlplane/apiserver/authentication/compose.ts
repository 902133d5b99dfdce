import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import type { Random } from "../../../base/os/random.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { LookupDeps } from "../admission/stored-lookup.ts";
import { accountTokenUses } from "./account-token-uses.ts";
import { orAnonymous } from "./anonymous.ts";
import {
  type Authenticator,
  firstOf,
  forServerOnly,
  type TokenAuthenticator,
  withAuthenticatedGroup,
} from "./authenticator.ts";
import { bearerToken, webSocketToken } from "./bearer-token.ts";
import { bootstrapTokens } from "./bootstrap-tokens.ts";
import { boundObjects } from "./bound-objects.ts";
import { certificateJudge, clientCertificate } from "./client-certificate.ts";
import type { AuthenticationConfig } from "./config.ts";
import { keptVerdictMetrics, keptVerdicts } from "./kept-verdicts.ts";
import { legacyTokens } from "./legacy-tokens.ts";
import { oidcTokens } from "./oidc-tokens.ts";
import { ProviderKeys } from "./provider-keys.ts";
import { RemoteJson } from "./remote-json.ts";
import { exceptRemovedNodes, removedNodesOf } from "./removed-nodes.ts";
import { requestHeader } from "./request-header.ts";
import { serviceAccountTokens } from "./service-account-tokens.ts";
import { bundleFingerprints } from "./shown-certificate.ts";
import { staticTokens } from "./static-tokens.ts";
import { webhookTokens } from "./webhook-tokens.ts";

export type AuthenticationDeps = LookupDeps & {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  readonly noteLegacyUse: (secret: KubeObject) => void;
};

/** Everything by which this server knows users, asked in Kubernetes' order: what a front proxy says, the certificate,
 *  the bearer token, and else nobody in particular. */
export function authenticators(
  config: AuthenticationConfig & { readonly clientAuthorityPem: string },
  deps: AuthenticationDeps,
): Authenticator {
  const { audiences } = config;
  const { clock } = deps;
  const judgeBy = (pem: string) => certificateJudge(bundleFingerprints(pem), clock);
  const proxies = config.requestHeader;
  // With one authority the connection's own check says all.
  const ofUsers = proxies ? judgeBy(config.clientAuthorityPem) : certificateJudge(undefined, clock);
  const tokens = tokenAuthenticators(config, deps);
  const byCertificate = clientCertificate(ofUsers);
  const known = withAuthenticatedGroup(
    firstOf<Parameters<Authenticator>>([
      ...(proxies ? [requestHeader(proxies, judgeBy(proxies.authorityPem), audiences)] : []),
      // Where machines join by tokens, they are removed, too.
      config.bootstrapTokens ? exceptRemovedNodes(byCertificate, removedNodesOf(deps)) : byCertificate,
      bearerToken(tokens),
      webSocketToken(tokens),
    ]),
  );
  return config.anonymous ? orAnonymous(known) : known;
}

/** How long a known token is not judged anew, as in Kubernetes. */
const knownTokenMs = 10_000;

/** Those that need no more than this server come first. */
function tokenAuthenticators(config: AuthenticationConfig, deps: AuthenticationDeps): TokenAuthenticator {
  const keeping = { ...deps, metrics: keptVerdictMetrics(deps.meter) };
  const here = keptVerdicts(
    firstOf<Parameters<TokenAuthenticator>>(judgedHere(config, deps)),
    { known: knownTokenMs, unknown: 0 },
    keeping,
  );
  const { webhook, audiences: own } = config;
  if (webhook === undefined) return here;
  const { clock, random } = deps;
  const remote = new RemoteJson(webhook.access, clock);
  const byWebhook = keptVerdicts(
    webhookTokens(webhook, { remote, own, clock, random }),
    { known: webhook.cacheMs, unknown: webhook.cacheMs },
    keeping,
  );
  return firstOf<Parameters<TokenAuthenticator>>([here, byWebhook]);
}

function judgedHere(config: AuthenticationConfig, deps: AuthenticationDeps): readonly TokenAuthenticator[] {
  const { audiences, staticTokens: known, serviceAccounts, oidc } = config;
  const { clock } = deps;
  const found: TokenAuthenticator[] = [];
  if (known !== undefined) found.push(forServerOnly(audiences, staticTokens(known)));
  if (serviceAccounts !== undefined) {
    const { issuers, keys } = serviceAccounts;
    const parts = { objects: boundObjects(deps), clock: deps.clock, uses: accountTokenUses(deps.meter) };
    found.push(legacyTokens({ keys, audiences }, { ...parts, noteUse: deps.noteLegacyUse }));
    found.push(serviceAccountTokens({ issuers, keys, audiences }, parts));
  }
  if (config.bootstrapTokens) {
    const explain = (why: string) => deps.log.debug("a bootstrap token does not hold", { why });
    found.push(forServerOnly(audiences, bootstrapTokens(boundObjects(deps), { clock, explain })));
  }
  // Keys are got from elsewhere, and so these come last.
  if (oidc !== undefined) {
    const remote = new RemoteJson({ caPem: oidc.caPem }, clock);
    const keys = new ProviderKeys(oidc.issuer, { remote, clock });
    found.push(forServerOnly(audiences, oidcTokens(oidc, { keys, clock })));
  }
  return found;
}
