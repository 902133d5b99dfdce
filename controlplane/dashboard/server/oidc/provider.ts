import type { Clock } from "../../../../base/os/clock.ts";
import { shown } from "../../../../base/shown.ts";
import { type RemoteQuestion, RemoteServer } from "../remote-server.ts";
import { type ProviderMetadata, readMetadata } from "./metadata.ts";

export interface OidcOptions {
  /** `https://…`, as it stands in ID tokens. */
  readonly issuer: string;
  readonly clientId: string;
  /** Absent: a public client, whose codes PKCE alone protects. */
  readonly clientSecret?: string | undefined;
  /** `openid` among them. */
  readonly scopes: readonly string[];
  /** PEM; absent: authorities that the system trusts. */
  readonly caPem?: string | undefined;
  readonly withinMs?: number;
}

export interface TokenAnswer {
  readonly idToken: unknown;
  readonly refreshToken: string | undefined;
}

const answerBytesMost = 256 * 1024;
const metadataMs = 600_000;
const withinMsDefault = 10_000;

/** An OpenID provider, asked over HTTPS. What it says is bounded and checked; an error names the step that it is of. */
export class Provider {
  readonly options: OidcOptions;
  readonly #server: RemoteServer;
  readonly #clock: Clock;
  #metadata: { readonly known: ProviderMetadata; readonly untilMs: number } | undefined;

  constructor(options: OidcOptions, clock: Clock) {
    this.options = options;
    this.#clock = clock;
    this.#server = new RemoteServer(options.caPem, clock);
  }

  async metadata(): Promise<ProviderMetadata> {
    const { issuer } = this.options;
    if (this.#metadata !== undefined && this.#metadata.untilMs > this.#clock.monotonicMs())
      return this.#metadata.known;
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const known = await this.#step(`the provider ${issuer} does not say how to sign in`, async () => {
      const { code, said } = await this.#ask({ url });
      if (code !== 200) throw new Error(`it answers ${code}`);
      if (said === undefined) throw new Error("its answer is no JSON");
      return readMetadata(said, issuer);
    });
    this.#metadata = { known, untilMs: this.#clock.monotonicMs() + metadataMs };
    return known;
  }

  /** Tokens for the code that a person came back with. */
  exchange(code: string, codeVerifier: string, redirectUri: string): Promise<TokenAnswer> {
    return this.#step("the provider does not take the code that you came back with", () =>
      this.#tokens({
        grant_type: "authorization_code",
        code,
        code_verifier: codeVerifier,
        redirect_uri: redirectUri,
      }),
    );
  }

  refresh(refreshToken: string): Promise<TokenAnswer> {
    return this.#step("the provider does not renew your sign-in", () =>
      this.#tokens({ grant_type: "refresh_token", refresh_token: refreshToken }),
    );
  }

  /** Where a person leaves the provider, too; undefined where it does not say, or was not asked yet. */
  get signOutUrl(): string | undefined {
    const { endSessionEndpoint } = this.#metadata?.known ?? {};
    if (endSessionEndpoint === undefined) return undefined;
    const url = new URL(endSessionEndpoint);
    url.searchParams.set("client_id", this.options.clientId);
    return url.href;
  }

  /** The provider forgets the token, where it can. */
  async revoke(refreshToken: string): Promise<void> {
    const { revocationEndpoint } = await this.metadata();
    if (revocationEndpoint === undefined) return;
    await this.#post(revocationEndpoint, { token: refreshToken, token_type_hint: "refresh_token" });
  }

  async #tokens(form: Readonly<Record<string, string>>): Promise<TokenAnswer> {
    const { tokenEndpoint } = await this.metadata();
    const { code, said } = await this.#post(tokenEndpoint, form);
    if (code !== 200) throw new Error(errorText(said) ?? `it answers ${code}`);
    if (said === undefined) throw new Error("its answer is no JSON");
    const { id_token: idToken, refresh_token: refreshToken } = said;
    return { idToken, refreshToken: typeof refreshToken === "string" ? refreshToken : undefined };
  }

  async #post(url: string, form: Readonly<Record<string, string>>) {
    const { clientId, clientSecret } = this.options;
    const { secretBy } = await this.metadata();
    if (clientSecret === undefined) return this.#ask({ url, form: { ...form, client_id: clientId } });
    if (secretBy === "post")
      return this.#ask({ url, form: { ...form, client_id: clientId, client_secret: clientSecret } });
    // Both are encoded as in a form, before they are joined (RFC 6749, 2.3.1).
    const encoded = (text: string) => new URLSearchParams({ a: text }).toString().slice(2);
    const pair = Buffer.from(`${encoded(clientId)}:${encoded(clientSecret)}`).toString("base64");
    return this.#ask({ url, form, headers: { authorization: `Basic ${pair}` } });
  }

  #ask(question: Pick<RemoteQuestion, "url" | "form" | "headers">) {
    const { withinMs = withinMsDefault } = this.options;
    return this.#server.ask({ ...question, answerBytesMost, withinMs });
  }

  async #step<T>(what: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof SignInError) throw error;
      throw new SignInError(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Why somebody does not come in, for them to read. */
export class SignInError extends Error {
  override readonly name = "SignInError";
}

/** What OAuth says of an error, as text of ours. */
export function errorText(said: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const { error, error_description: description } = said ?? {};
  if (typeof error !== "string") return undefined;
  return typeof description === "string" ? `${shown(error)}: ${shown(description)}` : shown(error);
}
