import type { Clock } from "../../../../base/os/clock.ts";
import type { Credentials } from "../../../../client/credentials.ts";
import type { RestConfig } from "../../../../client/kubeconfig.ts";
import { type IdToken, readIdToken } from "./id-token.ts";
import { type Provider, SignInError } from "./provider.ts";

/** How long before its end a token is renewed. */
const leewayMs = 30_000;

export interface OidcCredentialDeps {
  readonly provider: Provider;
  readonly clock: Clock;
  /** The cluster, as whoever has this token. */
  readonly clusterAs: (token: string) => RestConfig;
}

/** Who has signed in with a provider: an ID token, renewed before it ends as long as the provider does so. */
export class OidcCredentials implements Credentials {
  readonly #deps: OidcCredentialDeps;
  #token: IdToken;
  #config: RestConfig;
  #refreshToken: string | undefined;
  #renewal: Promise<RestConfig> | undefined;
  #ended: SignInError | undefined;

  constructor(deps: OidcCredentialDeps, token: IdToken, refreshToken: string | undefined) {
    this.#deps = deps;
    this.#token = token;
    this.#config = deps.clusterAs(token.text);
    this.#refreshToken = refreshToken;
  }

  /** Rejects with SignInError where the sign-in has ended. */
  async current(): Promise<RestConfig> {
    if (this.#ended !== undefined) throw this.#ended;
    const leftMs = this.#token.expiresMs - this.#deps.clock.wallMs();
    if (leftMs > (this.#refreshToken === undefined ? 0 : leewayMs)) return this.#config;
    if (this.#refreshToken === undefined) throw this.#end("your sign-in has expired: sign in again");
    this.#renewal ??= this.#renew(this.#refreshToken).finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  get signOutUrl(): string | undefined {
    return this.#deps.provider.signOutUrl;
  }

  refused(): boolean {
    return false;
  }

  /** The provider is told that nobody renews it any more; nobody waits for it. */
  close(): void {
    const refreshToken = this.#refreshToken;
    this.#end("this session was left");
    if (refreshToken !== undefined) this.#revoke(refreshToken);
  }

  #revoke(refreshToken: string): void {
    void this.#deps.provider.revoke(refreshToken).catch(() => undefined); // its token ends by itself then
  }

  async #renew(refreshToken: string): Promise<RestConfig> {
    const { provider, clock, clusterAs } = this.#deps;
    const { issuer, clientId } = provider.options;
    try {
      const renewed = await provider.refresh(refreshToken);
      const next = renewed.refreshToken ?? refreshToken;
      if (this.#ended !== undefined) {
        this.#revoke(next);
        throw this.#ended;
      }
      const wanted = { issuer, clientId, subject: this.#token.subject };
      this.#token = readIdToken(renewed.idToken, wanted, clock.wallMs());
      this.#config = clusterAs(this.#token.text);
      this.#refreshToken = next;
      return this.#config;
    } catch (error) {
      // A provider that is away for a moment costs nobody their session while the token still holds.
      if (this.#ended === undefined && this.#token.expiresMs > clock.wallMs()) return this.#config;
      throw this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #end(why: string): SignInError {
    this.#refreshToken = undefined;
    this.#ended ??= new SignInError(why);
    return this.#ended;
  }
}
