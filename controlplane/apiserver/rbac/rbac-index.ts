import type {
  ClusterRole,
  ClusterRoleBinding,
  KubeObject,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from "../../../client/types.ts";
import type { KindIndex } from "../cache/kind-index.ts";
import type { User } from "../filters/authentication.ts";
import { serviceAccountOf } from "../filters/service-account-user.ts";

export type Binding = RoleBinding | ClusterRoleBinding;

/** What a binding gives to somebody: the rules of its role, or nothing where there is no such role. */
export interface Grant {
  readonly binding: Binding;
  readonly rules: readonly PolicyRule[] | undefined;
}

/** Bindings by subject and roles by name, kept in step with the caches of the four kinds: what a user may costs as much as
 *  the bindings of that user, however many others there are.
 *  Size: an entry for each role and for each subject of each binding. */
export class RbacIndex {
  /** Namespace ("" for cluster role bindings) -> subject -> name -> binding. */
  readonly #bindings = new Map<string, Map<string, Map<string, Binding>>>();
  /** Namespace ("" for cluster roles) and name -> rules. */
  readonly #roles = new Map<string, readonly PolicyRule[]>();

  readonly roles: KindIndex = this.#followRoles((key) => !key.startsWith("/"));
  readonly clusterRoles: KindIndex = this.#followRoles((key) => key.startsWith("/"));
  readonly roleBindings: KindIndex = this.#followBindings((namespace) => namespace !== "");
  readonly clusterRoleBindings: KindIndex = this.#followBindings((namespace) => namespace === "");

  /** What is granted to a user: in the cluster, and in the namespace unless it is "". Each binding once. */
  *grantsTo(user: User, namespace: string): Iterable<Grant> {
    const subjects = subjectKeysOf(user);
    yield* this.#grantsIn("", subjects);
    if (namespace !== "") yield* this.#grantsIn(namespace, subjects);
  }

  /** The rules of a role that a binding in this namespace ("": of the cluster) refers to. */
  rulesOf({ kind, name }: Binding["roleRef"], namespace: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(kind === "Role" ? `${namespace}/${name}` : `/${name}`);
  }

  *#grantsIn(namespace: string, subjects: readonly string[]): Iterable<Grant> {
    const bySubject = this.#bindings.get(namespace);
    if (bySubject === undefined) return;
    const seen = new Set<string>();
    for (const subject of subjects) {
      for (const [name, binding] of bySubject.get(subject) ?? []) {
        if (seen.has(name)) continue;
        seen.add(name);
        yield { binding, rules: this.rulesOf(binding.roleRef, namespace) };
      }
    }
  }

  #followRoles(isOwn: (key: string) => boolean): KindIndex {
    return {
      clear: () => {
        for (const key of [...this.#roles.keys()]) if (isOwn(key)) this.#roles.delete(key);
      },
      changed: (previous, next) => {
        if (next === undefined) this.#roles.delete(keyOf(previous));
        else this.#roles.set(keyOf(next), (next as Role | ClusterRole).rules ?? []);
      },
    };
  }

  #followBindings(isOwn: (namespace: string) => boolean): KindIndex {
    return {
      clear: () => {
        for (const namespace of [...this.#bindings.keys()])
          if (isOwn(namespace)) this.#bindings.delete(namespace);
      },
      changed: (previous, next) => {
        if (previous !== undefined) this.#remove(previous as Binding);
        if (next !== undefined) this.#add(next as Binding);
      },
    };
  }

  #add(binding: Binding): void {
    const { namespace = "", name } = binding.metadata;
    for (const key of bindingKeysOf(binding)) {
      const bySubject = this.#bindings.get(namespace) ?? new Map<string, Map<string, Binding>>();
      this.#bindings.set(namespace, bySubject);
      const byName = bySubject.get(key) ?? new Map<string, Binding>();
      bySubject.set(key, byName);
      byName.set(name, binding);
    }
  }

  #remove(binding: Binding): void {
    const { namespace = "", name } = binding.metadata;
    const bySubject = this.#bindings.get(namespace);
    for (const key of bindingKeysOf(binding)) {
      const byName = bySubject?.get(key);
      byName?.delete(name);
      if (byName?.size === 0) bySubject?.delete(key);
    }
    if (bySubject?.size === 0) this.#bindings.delete(namespace);
  }
}

function keyOf(role: KubeObject | undefined): string {
  return `${role?.metadata.namespace ?? ""}/${role?.metadata.name}`;
}

/** All subjects that a user is. Names may hold anything: what kind of subject it is stands in front. */
function subjectKeysOf(user: User): readonly string[] {
  const account = serviceAccountOf(user.name);
  return [
    `User:${user.name}`,
    ...user.groups.map((group) => `Group:${group}`),
    ...(account ? [`ServiceAccount:${account.namespace}:${account.name}`] : []),
  ];
}

function bindingKeysOf({ subjects = [], metadata }: Binding): ReadonlySet<string> {
  return new Set(subjects.flatMap((one) => subjectKeyOf(one, metadata.namespace ?? "") ?? []));
}

/** Undefined for who can be nobody. */
function subjectKeyOf({ kind, name, namespace = "" }: Subject, bindingNamespace: string): string | undefined {
  if (kind !== "ServiceAccount") return `${kind}:${name}`;
  // An account without a namespace is one of the binding's own.
  const home = namespace || bindingNamespace;
  return home === "" ? undefined : `ServiceAccount:${home}:${name}`;
}
