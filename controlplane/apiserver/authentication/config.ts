import type { VerifyingKey } from "../../../base/os/signing-keys.ts";
import type { Audiences } from "./authenticator.ts";
import type { OidcConfig } from "./oidc-tokens.ts";
import type { RequestHeaderConfig } from "./request-header.ts";
import type { StaticTokens } from "./static-tokens.ts";
import type { TokenIssuer } from "./token-issuer.ts";
import type { WebhookConfig } from "./webhook-tokens.ts";

/** By what users are known here. */
export interface AuthenticationConfig {
  /** Whoever shows nothing is let in as nobody in particular. */
  readonly anonymous: boolean;
  /** What tokens call this server; none where it issues no tokens and was given no name. */
  readonly audiences: Audiences;
  readonly requestHeader: RequestHeaderConfig | undefined;
  readonly staticTokens: StaticTokens | undefined;
  readonly serviceAccounts: ServiceAccountConfig | undefined;
  readonly bootstrapTokens: boolean;
  readonly oidc: OidcConfig | undefined;
  readonly webhook: WebhookConfig | undefined;
}

export interface ServiceAccountConfig {
  /** The first one signs; tokens of all of them are known. */
  readonly issuers: readonly string[];
  readonly keys: readonly VerifyingKey[];
  /** Where the keys are, for the discovery document; absent: this server. */
  readonly jwksUri: string | undefined;
  /** Absent: this server gives out no tokens. */
  readonly issuer: TokenIssuer | undefined;
}

/** Certificates only. */
export const certificatesOnly: AuthenticationConfig = {
  anonymous: true,
  audiences: [],
  requestHeader: undefined,
  staticTokens: undefined,
  serviceAccounts: undefined,
  bootstrapTokens: false,
  oidc: undefined,
  webhook: undefined,
};
