import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../../base/os/clock.ts";
import { type Random, randomBytes } from "../../../../base/os/random.ts";
import type { RestConfig } from "../../../../client/kubeconfig.ts";
import { readIdToken } from "./id-token.ts";
import { OidcCredentials } from "./oidc-credentials.ts";
import { type Provider, SignInError } from "./provider.ts";

export const signInLimits = {
  pendingMost: 256,
  pendingMs: 600_000,
} as const;

/** Where the provider sends people back to; a view of the pages, which bring here what they were given. */
export const callbackPath = "/oidc/callback";

interface Pending {
  readonly stateHash: Buffer;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  readonly bornMs: number;
}

export interface Begun {
  /** Where the browser goes next. */
  readonly location: string;
  /** The browser keeps it and shows it when it comes back, so that nobody can come back in another's name. */
  readonly ticket: string;
}

export interface CameBack {
  readonly code: string;
  readonly state: string;
  readonly ticket: string;
  /** Who the provider says it is, where it does. */
  readonly issuer: string | undefined;
}

const givenMost = 8_192;

/** What a browser brings; undefined for what is none of it. Pure. */
export function readCameBack(given: unknown): CameBack | undefined {
  if (typeof given !== "object" || given === null) return undefined;
  const { code, state, ticket, iss: issuer } = given as Readonly<Record<string, unknown>>;
  const isText = (one: unknown): one is string => typeof one === "string" && one.length <= givenMost;
  if (!isText(code) || !isText(state) || !isText(ticket)) return undefined;
  return issuer === undefined || isText(issuer) ? { code, state, ticket, issuer } : undefined;
}

export interface SignInDeps {
  readonly provider: Provider;
  readonly clock: Clock;
  readonly random: Random;
  /** The cluster, as whoever has this token. */
  readonly clusterAs: (token: string) => RestConfig;
}

/** Sign-ins by the authorization code flow with PKCE, from the press of the button until the person is back with a code. */
export class SignIns {
  readonly #deps: SignInDeps;
  /** By the ticket's hash; the oldest first. */
  readonly #pending = new Map<string, Pending>();

  constructor(deps: SignInDeps) {
    this.#deps = deps;
  }

  /** @param origin Of the pages: `https://dashboard.example`. Rejects with SignInError. */
  async begin(origin: string): Promise<Begun> {
    const { provider, clock } = this.#deps;
    const { authorizationEndpoint } = await provider.metadata();
    const [ticket, state, nonce, codeVerifier] = [
      this.#secret(),
      this.#secret(),
      this.#secret(),
      this.#secret(),
    ];
    const redirectUri = origin + callbackPath;
    for (const key of this.#pending.keys()) {
      if (this.#pending.size < signInLimits.pendingMost) break;
      this.#pending.delete(key);
    }
    this.#pending.set(hashText(ticket), {
      ...{ nonce, codeVerifier, redirectUri },
      stateHash: hashOf(state),
      bornMs: clock.monotonicMs(),
    });
    const location = new URL(authorizationEndpoint);
    const wanted = {
      response_type: "code",
      client_id: provider.options.clientId,
      redirect_uri: redirectUri,
      scope: provider.options.scopes.join(" "),
      state,
      nonce,
      code_challenge: hashOf(codeVerifier).toString("base64url"),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(wanted)) location.searchParams.set(name, value);
    return { location: location.href, ticket };
  }

  /** The credentials of who came back. A ticket is good once. Rejects with SignInError. */
  async finish({ code, state, ticket, issuer }: CameBack): Promise<OidcCredentials> {
    const { provider, clock } = this.#deps;
    const key = hashText(ticket);
    const pending = this.#pending.get(key);
    this.#pending.delete(key);
    if (pending === undefined || clock.monotonicMs() - pending.bornMs > signInLimits.pendingMs)
      throw new SignInError("this sign-in was not begun here, or too long ago: begin anew");
    if (!timingSafeEqual(pending.stateHash, hashOf(state)))
      throw new SignInError("the answer is not of the sign-in that was begun here: its state is another");
    const { namesItself } = await provider.metadata();
    if (issuer !== provider.options.issuer && (namesItself || issuer !== undefined))
      throw new SignInError(`the answer is not of ${provider.options.issuer}`);
    const { idToken, refreshToken } = await provider.exchange(
      code,
      pending.codeVerifier,
      pending.redirectUri,
    );
    const { issuer: wantedIssuer, clientId } = provider.options;
    const wanted = { issuer: wantedIssuer, clientId, nonce: pending.nonce };
    try {
      const token = readIdToken(idToken, wanted, clock.wallMs());
      return new OidcCredentials(this.#deps, token, refreshToken);
    } catch (error) {
      throw new SignInError(error instanceof Error ? error.message : String(error));
    }
  }

  #secret(): string {
    return Buffer.from(randomBytes(this.#deps.random, 32)).toString("base64url");
  }
}

const hashOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();
const hashText = (secret: string): string => hashOf(secret).toString("base64");
