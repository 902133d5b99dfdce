import { readFileSync } from "node:fs";
import type { Clock } from "../base/os/clock.ts";
import { CredentialError, type ExecCredential, runExecPlugin } from "./exec-plugin.ts";
import type { RestConfig } from "./kubeconfig.ts";

/** Who asks, where that changes by itself: a token in a file that is written anew, or what a program says. */
export interface Credentials {
  /** The configuration as of now; the same object as long as nothing changed. Rejects with CredentialError. */
  current(): Promise<RestConfig>;
  /** The server did not take this one. True where asking again may give another. */
  refused(config: RestConfig): boolean;
}

export const credentialLimits = {
  /** How old what was read of a token's file may be. */
  tokenFileMs: 60_000,
  /** How long before it expires a credential is asked for anew. */
  expiryLeewayMs: 10_000,
} as const;

export interface CredentialDeps {
  readonly clock: Clock;
  readonly readFile?: (path: string) => string;
  readonly run?: typeof runExecPlugin;
}

/** Of a configuration whose token or certificate changes by itself; undefined for others. */
export function credentialsOf(config: RestConfig, deps: CredentialDeps): Credentials | undefined {
  if (config.exec !== undefined) return new PluginCredentials(config, deps);
  if (config.tokenFile !== undefined) return new TokenFile(config, config.tokenFile, deps);
  return undefined;
}

/** A token in a file, as a pod's service account has it. What cannot be read leaves the token that was. */
class TokenFile implements Credentials {
  readonly #path: string;
  readonly #deps: CredentialDeps;
  #config: RestConfig;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(config: RestConfig, path: string, deps: CredentialDeps) {
    this.#config = config;
    this.#path = path;
    this.#deps = deps;
  }

  async current(): Promise<RestConfig> {
    const { clock, readFile = (path: string) => readFileSync(path, "utf8") } = this.#deps;
    if (clock.monotonicMs() - this.#readMs < credentialLimits.tokenFileMs) return this.#config;
    let token: string | undefined;
    try {
      token = readFile(this.#path).trim();
    } catch (cause) {
      if (this.#config.token === undefined)
        throw new CredentialError(`cannot read the token in ${this.#path}`, { cause });
    }
    this.#readMs = clock.monotonicMs();
    if (token && token !== this.#config.token) this.#config = { ...this.#config, token };
    return this.#config;
  }

  refused(config: RestConfig): boolean {
    if (config !== this.#config) return true;
    const before = this.#readMs;
    this.#readMs = Number.NEGATIVE_INFINITY;
    return this.#deps.clock.monotonicMs() > before;
  }
}

/** What a program says. It runs when the first request is made, when what it said expires, and when the server refuses it; one
 *  run at a time serves all who wait. */
class PluginCredentials implements Credentials {
  readonly #config: RestConfig;
  readonly #deps: CredentialDeps;
  #held: { readonly config: RestConfig; readonly credential: ExecCredential } | undefined;
  #running: Promise<RestConfig> | undefined;

  constructor(config: RestConfig, deps: CredentialDeps) {
    this.#config = config;
    this.#deps = deps;
  }

  current(): Promise<RestConfig> {
    const { clock } = this.#deps;
    const { expiresMs = Number.POSITIVE_INFINITY } = this.#held?.credential ?? {};
    if (this.#held !== undefined && clock.wallMs() < expiresMs - credentialLimits.expiryLeewayMs)
      return Promise.resolve(this.#held.config);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  refused(config: RestConfig): boolean {
    if (config !== this.#held?.config) return true;
    this.#held = undefined;
    return true;
  }

  async #run(): Promise<RestConfig> {
    const { exec } = this.#config;
    if (exec === undefined) return this.#config;
    const credential = await (this.#deps.run ?? runExecPlugin)(exec, this.#config);
    const { token, certificatePem, privateKeyPem } = credential;
    const config = {
      ...this.#config,
      ...(token !== undefined && { token }),
      ...(certificatePem !== undefined && { certificatePem }),
      ...(privateKeyPem !== undefined && { privateKeyPem }),
    };
    this.#held = { config, credential };
    return config;
  }
}
