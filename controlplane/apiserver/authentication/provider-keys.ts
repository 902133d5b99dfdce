import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import type { Clock } from "../../../base/os/clock.ts";
import { isObject, listOf, objectOf, stringOf } from "../json.ts";
import type { RemoteJson } from "./remote-json.ts";

export interface ProviderKey {
  /** Empty where the provider gives it no name. */
  readonly keyId: string;
  readonly key: KeyObject;
}

const keysMax = 100;
/** Tokens that no key at hand signed are cheap to make: they make us ask no more often. */
const pauseMs = 10_000;

/** The keys of an OpenID provider, as its discovery document says where they are. Asked for when first needed, and anew
 *  when a token comes by a key that is not at hand. */
export class ProviderKeys {
  readonly #issuer: string;
  readonly #remote: RemoteJson;
  readonly #clock: Clock;
  #keys: readonly ProviderKey[] | undefined;
  #keysUrl: string | undefined;
  #askedMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #problem = "";

  constructor(issuer: string, { remote, clock }: { readonly remote: RemoteJson; readonly clock: Clock }) {
    this.#issuer = issuer;
    this.#remote = remote;
    this.#clock = clock;
  }

  /** Why there are no keys, where there are none. */
  get problem(): string {
    return this.#problem;
  }

  /** The keys at hand; `undefined` where the provider never gave any. */
  async current(): Promise<readonly ProviderKey[] | undefined> {
    if (this.#keys === undefined) await this.#ask();
    return this.#keys;
  }

  /** The keys as the provider has them now, or had them a moment ago. */
  async renewed(): Promise<readonly ProviderKey[] | undefined> {
    await this.#ask();
    return this.#keys;
  }

  async #ask(): Promise<void> {
    if (this.#asking === undefined && this.#clock.monotonicMs() - this.#askedMs < pauseMs) return;
    this.#asking ??= this.#fetch()
      .catch((error: unknown) => {
        // What is at hand stays: keys are rarely taken back, and providers are now and then away.
        this.#problem = error instanceof Error ? error.message : String(error);
      })
      .finally(() => {
        this.#asking = undefined;
      });
    await this.#asking;
  }

  async #fetch(): Promise<void> {
    this.#askedMs = this.#clock.monotonicMs();
    this.#keysUrl ??= await this.#discover();
    const document = objectOf(await this.#remote.ask({ url: this.#keysUrl }));
    this.#keys = listOf(document.keys).slice(0, keysMax).flatMap(readKey);
    this.#problem = "";
  }

  async #discover(): Promise<string> {
    const url = `${this.#issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const document = objectOf(await this.#remote.ask({ url }));
    const issuer = stringOf(document.issuer);
    if (issuer !== this.#issuer)
      throw new Error(
        `oidc: issuer URL provided to client (${JSON.stringify(this.#issuer)}) did not match the issuer URL returned by provider (${JSON.stringify(issuer)})`,
      );
    const keysUrl = stringOf(document.jwks_uri);
    if (!URL.canParse(keysUrl) || new URL(keysUrl).protocol !== "https:")
      throw new Error(`oidc: the provider's jwks_uri ${JSON.stringify(keysUrl)} is not an https URL`);
    return keysUrl;
  }
}

/** None for a key that is for something else, or of a sort that is not known: others may serve. */
function readKey(value: unknown): readonly ProviderKey[] {
  if (!isObject(value) || value.use === "enc") return [];
  if (value.kty !== "RSA" && value.kty !== "EC") return [];
  try {
    return [
      { keyId: stringOf(value.kid), key: createPublicKey({ key: value as JsonWebKey, format: "jwk" }) },
    ];
  } catch {
    return []; // no key of that sort
  }
}
