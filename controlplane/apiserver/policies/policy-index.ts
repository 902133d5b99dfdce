import type { MatchResources, ParamRef } from "../../../client/types.ts";
import type { CacheHub } from "../cache/cache-hub.ts";
import type { KindIndex } from "../cache/kind-index.ts";
import type { Kind } from "../registry/kind.ts";
import { type PolicyBase, type PolicySource, type Target, targetOf } from "./policy.ts";

/** What stored bindings of both kinds have in common. */
export interface BindingSource {
  readonly metadata: { readonly name: string };
  readonly spec?:
    | {
        readonly policyName?: string;
        readonly matchResources?: MatchResources;
        readonly paramRef?: ParamRef;
        readonly validationActions?: readonly string[];
      }
    | undefined;
}

export interface Binding {
  readonly binding: BindingSource;
  readonly target: Target;
}

export interface BoundPolicy<P extends PolicyBase> {
  readonly policy: P;
  readonly bindings: readonly Binding[];
}

/** Policies of one kind and their bindings. */
export interface FollowedPolicies<S extends PolicySource, P extends PolicyBase> {
  /** There are certainly none at this moment. */
  readonly areNone: boolean;
  current(): Promise<PolicyIndex<S, P>>;
}

/** The policies of one kind, as this server's caches have them: a changed one counts from the moment at which its cache has the
 *  change. Where they are not loaded, requests wait for them. */
export function followPolicies<S extends PolicySource, P extends PolicyBase>(
  hub: CacheHub,
  { policies, bindings }: { readonly policies: Kind; readonly bindings: Kind },
  compile: (policy: S) => P,
): FollowedPolicies<S, P> {
  const index = new PolicyIndex(compile);
  hub.addIndex(policies, index.policies);
  hub.addIndex(bindings, index.bindings);
  const isLoaded = (kind: Kind) => hub.peek(kind) !== undefined;
  return {
    get areNone() {
      return index.isEmpty && isLoaded(policies) && isLoaded(bindings);
    },
    async current() {
      for (const kind of [policies, bindings]) if (!isLoaded(kind)) await hub.cache(kind);
      return index;
    },
  };
}

/** Policies by the resources that they are for, and their bindings, kept in step with the caches of both kinds: a request costs as
 *  much as the policies that name its resource. Size: an entry for each resource of each policy and for each binding. */
export class PolicyIndex<S extends PolicySource, P extends PolicyBase> {
  readonly #compile: (policy: S) => P;
  readonly #policies = new Map<string, S>();
  readonly #compiled = new Map<string, P>();
  readonly #byResource = new Map<string, Set<string>>();
  readonly #bindings = new Map<string, Map<string, Binding>>();

  constructor(compile: (policy: S) => P) {
    this.#compile = compile;
  }

  readonly policies: KindIndex = {
    clear: () => {
      this.#policies.clear();
      this.#compiled.clear();
      this.#byResource.clear();
    },
    changed: (previous, next) => {
      if (previous !== undefined) this.#forget(previous as unknown as S);
      if (next !== undefined) this.#add(next as unknown as S);
    },
  };

  readonly bindings: KindIndex = {
    clear: () => this.#bindings.clear(),
    changed: (previous, next) => {
      if (previous !== undefined) this.#bindings.get(policyOf(previous))?.delete(previous.metadata.name);
      if (next === undefined) return;
      const known = this.#bindings.get(policyOf(next)) ?? new Map<string, Binding>();
      this.#bindings.set(policyOf(next), known);
      const binding: BindingSource = next;
      known.set(next.metadata.name, { binding, target: targetOf(binding.spec?.matchResources) });
    },
  };

  get isEmpty(): boolean {
    return this.#byResource.size === 0;
  }

  /** Bound policies with a rule for one of these resources, by name. */
  *for(plurals: Iterable<string>): Iterable<BoundPolicy<P>> {
    const names = new Set<string>();
    for (const plural of ["*", ...plurals])
      for (const name of this.#byResource.get(plural) ?? []) names.add(name);
    for (const name of [...names].sort()) {
      const bindings = [...(this.#bindings.get(name)?.values() ?? [])];
      const policy = this.#compiledOf(name);
      if (policy !== undefined && bindings.length > 0) yield { policy, bindings };
    }
  }

  /** Compiled when a request first needs it. */
  #compiledOf(name: string): P | undefined {
    const known = this.#compiled.get(name);
    if (known !== undefined) return known;
    const policy = this.#policies.get(name);
    if (policy === undefined) return undefined;
    const compiled = this.#compile(policy);
    this.#compiled.set(name, compiled);
    return compiled;
  }

  #add(policy: S): void {
    const { name } = policy.metadata;
    this.#policies.set(name, policy);
    for (const resource of resourcesOf(policy)) {
      const names = this.#byResource.get(resource) ?? new Set();
      this.#byResource.set(resource, names.add(name));
    }
  }

  #forget(policy: S): void {
    const { name } = policy.metadata;
    this.#policies.delete(name);
    this.#compiled.delete(name);
    for (const resource of resourcesOf(policy)) {
      const names = this.#byResource.get(resource);
      names?.delete(name);
      if (names?.size === 0) this.#byResource.delete(resource);
    }
  }
}

const policyOf = (binding: BindingSource): string => binding.spec?.policyName ?? "";

/** Without their subresources. */
function resourcesOf({ spec }: PolicySource): ReadonlySet<string> {
  const rules = spec?.matchConstraints?.resourceRules ?? [];
  const resources = rules.flatMap((rule) => rule.resources ?? []);
  return new Set(resources.map((one) => one.split("/", 1)[0] ?? ""));
}
