import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../../base/os/clock.ts";
import { type Random, randomBytes } from "../../../base/os/random.ts";
import type { RestConfig } from "../../../client/kubeconfig.ts";
import type { OidcCredentials } from "./oidc/oidc-credentials.ts";

export const sessionLimits = {
  sessionsMost: 256,
  /** How long a session lasts that nobody uses, and how long any lasts. */
  idleMs: 12 * 3_600_000,
  lifeMs: 7 * 24 * 3_600_000,
  codesMost: 64,
  codeMs: 3_600_000,
  /** How long a code that was used is answered again to who used it. */
  repeatMs: 10_000,
} as const;

/** Somebody who looks, as the API server knows them. */
export interface Session {
  readonly config: RestConfig;
  /** How the person came in. */
  readonly by: "link" | "token" | "oidc";
  /** Who asks, where that is renewed while the session lasts. */
  readonly credentials?: OidcCredentials;
}

/** The cluster as who asks there now. Rejects with SignInError where the sign-in has ended. */
export const configNow = async ({ config, credentials }: Session): Promise<RestConfig> =>
  (await credentials?.current()) ?? config;

/** What a browser keeps of a session: the cookie goes to every port of the same host, the key only to scripts of our own origin.
 *  A request counts when it brings both. */
export interface SessionSecrets {
  readonly cookie: string;
  readonly key: string;
}

interface Entry {
  readonly session: Session;
  readonly keyHash: Buffer;
  readonly bornMs: number;
  usedMs: number;
}

/** A code that was used, and by whom. */
interface Redeemed {
  readonly session: Session;
  readonly nonceHash: Buffer;
  readonly atMs: number;
  /** Of the session that it opened last, as it is known by. */
  readonly cookieHash: string;
}

/** Sessions, and the codes of one-time links. Secrets are held as hashes. */
export class Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  /** By the hash of the cookie; the one that was used longest ago comes first. */
  readonly #entries = new Map<string, Entry>();
  readonly #codes = new Map<string, { readonly session: Session; readonly bornMs: number }>();
  readonly #redeemed = new Map<string, Redeemed>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** A code that opens one session, once and within `codeMs`. Beyond `codesMost` the oldest ends. */
  offer(session: Session): string {
    const code = this.#secret();
    dropFirst(this.#codes, sessionLimits.codesMost - 1);
    this.#codes.set(hashText(code), { session, bornMs: this.#clock.monotonicMs() });
    return code;
  }

  /** Undefined: nobody offered that code, or it was used, or is too old.
   *  @param nonce A secret of who asks: with the same they may ask again for `repeatMs`, as when the answer was lost on its way;
   *  the session that was opened before ends then. */
  redeem(code: string, nonce?: string): SessionSecrets | undefined {
    const hash = hashText(code);
    const nowMs = this.#clock.monotonicMs();
    const offered = this.#codes.get(hash);
    this.#codes.delete(hash);
    if (offered !== undefined && nowMs - offered.bornMs <= sessionLimits.codeMs)
      return this.#openBy(hash, { session: offered.session, nonce, atMs: nowMs });
    const before = this.#redeemed.get(hash);
    if (before === undefined || nonce === undefined || nowMs - before.atMs > sessionLimits.repeatMs)
      return undefined;
    if (!timingSafeEqual(before.nonceHash, hashOf(nonce))) return undefined;
    this.#entries.delete(before.cookieHash);
    return this.#openBy(hash, { session: before.session, nonce, atMs: before.atMs });
  }

  /** Beyond `sessionsMost` the one ends that was used longest ago. */
  open(session: Session): SessionSecrets {
    const secrets = { cookie: this.#secret(), key: this.#secret() };
    const nowMs = this.#clock.monotonicMs();
    dropFirst(this.#entries, sessionLimits.sessionsMost - 1);
    this.#entries.set(hashText(secrets.cookie), {
      session,
      keyHash: hashOf(secrets.key),
      bornMs: nowMs,
      usedMs: nowMs,
    });
    return secrets;
  }

  /** Whose request it is; undefined for a stranger's. */
  find({ cookie, key }: SessionSecrets): Session | undefined {
    const hash = hashText(cookie);
    const entry = this.#entries.get(hash);
    if (entry === undefined || !timingSafeEqual(entry.keyHash, hashOf(key))) return undefined;
    const nowMs = this.#clock.monotonicMs();
    this.#entries.delete(hash);
    if (isOld(entry, nowMs)) return undefined;
    entry.usedMs = nowMs;
    this.#entries.set(hash, entry);
    return entry.session;
  }

  /** Whether somebody's session goes on; unlike `find` this is no use of it. */
  isOpen(session: Session): boolean {
    const nowMs = this.#clock.monotonicMs();
    for (const entry of this.#entries.values()) if (entry.session === session) return !isOld(entry, nowMs);
    return false;
  }

  close({ cookie }: SessionSecrets): void {
    this.#entries.delete(hashText(cookie));
  }

  #openBy(
    codeHash: string,
    {
      session,
      nonce,
      atMs,
    }: { readonly session: Session; readonly nonce: string | undefined; readonly atMs: number },
  ): SessionSecrets {
    const secrets = this.open(session);
    if (nonce !== undefined) {
      dropFirst(this.#redeemed, sessionLimits.codesMost - 1);
      const cookieHash = hashText(secrets.cookie);
      this.#redeemed.set(codeHash, { session, nonceHash: hashOf(nonce), atMs, cookieHash });
    }
    return secrets;
  }

  #secret(): string {
    return Buffer.from(randomBytes(this.#random, 32)).toString("base64url");
  }
}

const isOld = ({ usedMs, bornMs }: Entry, nowMs: number): boolean =>
  nowMs - usedMs > sessionLimits.idleMs || nowMs - bornMs > sessionLimits.lifeMs;

const hashOf = (secret: string): Buffer => createHash("sha256").update(secret).digest();
const hashText = (secret: string): string => hashOf(secret).toString("base64");

function dropFirst(map: Map<string, unknown>, keptMost: number): void {
  for (const key of map.keys()) {
    if (map.size <= keptMost) return;
    map.delete(key);
  }
}
