import { type Deferred, deferred } from "../../../base/deferred.ts";
import type { Clock } from "../../../base/os/clock.ts";
import { serviceUnavailable } from "../api-error.ts";
import { type CacheHub, freshnessTimeoutMs } from "../cache/cache-hub.ts";
import type { Authorizer, RuleResolver } from "../filters/authorizer.ts";
import type { Kind } from "../registry/kind.ts";
import { decide, rulesGranted } from "./grants.ts";
import { userRoles } from "./policy/user-roles.ts";
import { RbacIndex } from "./rbac-index.ts";
import { ruleAllows } from "./rule-allows.ts";

export interface RbacKinds {
  readonly roles: Kind;
  readonly clusterRoles: Kind;
  readonly roleBindings: Kind;
  readonly clusterRoleBindings: Kind;
}

/** What everybody may see of a server that cannot read roles yet. */
const publicRules = userRoles.find(({ name }) => name === "system:public-info-viewer")?.rules ?? [];

/** The roles and bindings of the cluster, as this server's caches have them: a changed one counts from the moment at which
 *  its cache has the change. */
export class Rbac {
  readonly #hub: CacheHub;
  readonly #clock: Clock;
  readonly #kinds: readonly Kind[];
  readonly #waiting = new Set<Deferred<void>>();
  readonly #defaultsThere = deferred<void>();
  #isOpen = false;
  #loading = false;
  readonly index = new RbacIndex();

  constructor({ hub, clock }: { readonly hub: CacheHub; readonly clock: Clock }, kinds: RbacKinds) {
    this.#hub = hub;
    this.#clock = clock;
    this.#kinds = Object.values(kinds);
    for (const [name, kind] of Object.entries(kinds)) hub.addIndex(kind, this.index[name as keyof RbacKinds]);
  }

  /** The default roles are there: from now on what no rule allows is refused. */
  async open(): Promise<void> {
    await this.consistent();
    this.#isOpen = true;
    this.#defaultsThere.resolve();
  }

  /** Decides by the caches as they are. Where they are not loaded, and before the default roles are there, it waits a little:
   *  fails with 503 while the store does not answer, but for health and version, which say so. */
  readonly authorizer: Authorizer = async (user, wanted) => {
    if (!this.#isLoaded()) {
      if ("path" in wanted && publicRules.some((rule) => ruleAllows(rule, wanted))) return { allowed: true };
      await this.#untilLoaded();
    }
    return decide(this.index, user, wanted);
  };

  readonly rulesFor: RuleResolver = async (user, namespace) => {
    if (!this.#isLoaded()) await this.#untilLoaded();
    const { rules, problem } = rulesGranted(this.index, user, namespace);
    return { rules, incomplete: false, problems: problem === "" ? [] : [problem] };
  };

  /** The caches hold every write that was acknowledged before the call. */
  async consistent(): Promise<void> {
    await Promise.all(this.#kinds.map((kind) => this.#hub.consistent(kind)));
  }

  #isLoaded(): boolean {
    return this.#isOpen && this.#kinds.every((kind) => this.#hub.peek(kind) !== undefined);
  }

  async #untilLoaded(): Promise<void> {
    if (!this.#loading) void this.#load();
    const done = deferred<void>();
    this.#waiting.add(done);
    const cancel = this.#clock.after(freshnessTimeoutMs, () =>
      done.reject(serviceUnavailable("roles and bindings have not been read from the store yet")),
    );
    try {
      await done.promise;
    } finally {
      cancel();
      this.#waiting.delete(done);
    }
  }

  /** One load for all who wait. Never rejects: they are told. */
  async #load(): Promise<void> {
    this.#loading = true;
    try {
      await this.#defaultsThere.promise;
      await Promise.all(this.#kinds.map((kind) => this.#hub.cache(kind)));
      for (const one of this.#waiting) one.resolve();
    } catch (error) {
      for (const one of this.#waiting) one.reject(error);
    } finally {
      this.#loading = false;
    }
  }
}
