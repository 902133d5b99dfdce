import type { CacheHub } from "../cache/cache-hub.ts";
import type { User } from "../filters/authentication.ts";
import type { Authorizer } from "../filters/authorizer.ts";
import type { Kind } from "../registry/kind.ts";
import { decide, type GrantedRules, rulesGranted } from "./grants.ts";
import { RbacIndex } from "./rbac-index.ts";

export interface RbacKinds {
  readonly roles: Kind;
  readonly clusterRoles: Kind;
  readonly roleBindings: Kind;
  readonly clusterRoleBindings: Kind;
}

/** The roles and bindings of the cluster, as this server's caches have them: a changed one counts from the moment at which
 *  its cache has the change. */
export class Rbac {
  readonly #hub: CacheHub;
  readonly #kinds: readonly Kind[];
  readonly index = new RbacIndex();

  constructor(hub: CacheHub, kinds: RbacKinds) {
    this.#hub = hub;
    this.#kinds = Object.values(kinds);
    for (const [name, kind] of Object.entries(kinds)) hub.addIndex(kind, this.index[name as keyof RbacKinds]);
  }

  /** Asks with the caches as they are; waits for them only where they are not loaded. */
  readonly authorizer: Authorizer = async (user, wanted) => {
    await this.#loaded();
    return decide(this.index, user, wanted);
  };

  async rulesFor(user: User, namespace: string): Promise<GrantedRules> {
    await this.#loaded();
    return rulesGranted(this.index, user, namespace);
  }

  /** The caches hold every write that was acknowledged before the call. */
  async consistent(): Promise<void> {
    await Promise.all(this.#kinds.map((kind) => this.#hub.consistent(kind)));
  }

  async #loaded(): Promise<void> {
    if (this.#kinds.every((kind) => this.#hub.peek(kind) !== undefined)) return;
    await Promise.all(this.#kinds.map((kind) => this.#hub.cache(kind)));
  }
}
