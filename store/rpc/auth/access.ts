import type { AuthState, Requester } from "../../auth/auth-state.ts";
import type { RequestRights } from "../../auth/request-rights.ts";
import { rootName } from "../../auth/rights.ts";
import type { Tokens } from "../../auth/tokens.ts";
import { StoreError } from "../../errors.ts";
import type { Call } from "../handler.ts";

/** Of calls that say nothing of who asks. */
const nobody: Requester = { name: "", revision: 0 };

/** Who makes a call, and what they may do. While authentication is off nobody is asked: callers look at `isOn` first, which is
 *  all that it costs them. */
export class Access {
  readonly rights: RequestRights;
  readonly #auth: AuthState;
  readonly #tokens: Tokens;
  readonly #byCertificate: boolean;

  constructor(
    parts: { readonly auth: AuthState; readonly rights: RequestRights; readonly tokens: Tokens },
    options: { readonly byCertificate: boolean },
  ) {
    this.rights = parts.rights;
    this.#auth = parts.auth;
    this.#tokens = parts.tokens;
    this.#byCertificate = options.byCertificate;
  }

  get isOn(): boolean {
    return this.#auth.isOn;
  }

  /** Whether the name in a client's certificate says who asks. */
  get isByCertificate(): boolean {
    return this.#auth.isOn && this.#byCertificate;
  }

  /** Who asks: by a token, else by certificate; undefined where the call says nothing, and while authentication is off. Rejects
   *  with INVALID_AUTH_TOKEN. */
  async whoAsks(call: Call): Promise<Requester | undefined> {
    const { token } = call;
    if (!this.#auth.isOn) return undefined;
    if (call.isOwn) return this.#named(rootName);
    if (token !== undefined) {
      const owner = await this.#tokens.owner(token.replace(/^Bearer /, ""), call);
      if (owner === undefined) throw new StoreError("INVALID_AUTH_TOKEN");
      return this.#named(owner.name, owner.revision);
    }
    const name = this.isByCertificate ? call.certificateName : undefined;
    return name === undefined ? undefined : this.#named(name);
  }

  /** Who asks, whom the checks of rights refuse where it is nobody. Rejects with INVALID_AUTH_TOKEN. */
  async askerOf(call: Call): Promise<Requester> {
    return (await this.whoAsks(call)) ?? nobody;
  }

  /** Who asks; who does not say it is refused. Undefined while authentication is off. Rejects with USER_EMPTY and
   *  INVALID_AUTH_TOKEN. */
  async requireUser(call: Call): Promise<Requester | undefined> {
    const who = await this.whoAsks(call);
    if (who === undefined && this.#auth.isOn) throw new StoreError("USER_EMPTY");
    return who;
  }

  /** Refuses all but root. Rejects with USER_EMPTY, USER_NOT_FOUND, PERMISSION_DENIED, INVALID_AUTH_TOKEN while authentication is
   *  on. */
  async requireRoot(call: Call): Promise<void> {
    if (this.#auth.isOn) this.#auth.requireRoot(await this.askerOf(call));
  }

  /** What was worked out for somebody must not leave after users or roles have changed, nor after authentication was turned on
   *  what anybody might see before (`undefined`). Throws AUTH_OLD_REVISION. */
  requireCurrent(who: Requester | undefined): void {
    const isOutdated =
      who === undefined ? this.#auth.isOn : who.revision !== 0 && who.revision !== this.#auth.revision;
    if (isOutdated) throw new StoreError("AUTH_OLD_REVISION");
  }

  #named(name: string, revision = this.#auth.revision): Requester {
    return { name, revision };
  }
}
