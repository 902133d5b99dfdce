import type { KubeObject } from "../../../client/types.ts";
import type { KindIndex } from "../cache/kind-index.ts";
import { sameValue } from "../schema/same-value.ts";
import type { Definition } from "./definition.ts";
import { type Taken, wantsMore } from "./names.ts";

/** The stored definitions, by name, and which of them have to be looked at anew: those that changed, and those that wait for a
 *  name which somebody of their group gave up. So a change costs what it concerns, not all definitions. */
export class DefinitionBook implements KindIndex {
  readonly #all = new Map<string, Definition>();
  readonly #groups = new Map<string, Group>();
  #changed = new Set<string>();

  get(name: string): Definition | undefined {
    return this.#all.get(name);
  }

  /** Names that definitions of the group hold. */
  taken(group: string): Taken {
    return this.#groups.get(group) ?? nobody;
  }

  /** Names of definitions that came, changed or went, or that may get now what they wait for, since this was asked last. */
  changes(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  clear(): void {
    for (const name of this.#all.keys()) this.#changed.add(name);
    this.#all.clear();
    this.#groups.clear();
  }

  changed(previous: KubeObject | undefined, next: KubeObject | undefined): void {
    const before = previous as unknown as Definition | undefined;
    const now = next as unknown as Definition | undefined;
    if (before !== undefined) this.#forget(before);
    if (now !== undefined) this.#add(now);
    if (before === undefined || sameValue(before.status?.acceptedNames, now?.status?.acceptedNames)) return;
    for (const waiting of this.#groups.get(before.spec.group)?.waiting ?? []) this.#changed.add(waiting);
  }

  #add(definition: Definition): void {
    const { name } = definition.metadata;
    this.#all.set(name, definition);
    this.#changed.add(name);
    const known = this.#groups.get(definition.spec.group) ?? new Group();
    this.#groups.set(definition.spec.group, known);
    known.add(definition);
  }

  #forget(definition: Definition): void {
    const { name } = definition.metadata;
    this.#all.delete(name);
    this.#changed.add(name);
    const group = this.#groups.get(definition.spec.group);
    group?.remove(definition);
    if (group?.isEmpty) this.#groups.delete(definition.spec.group);
  }
}

/** Names of one group, each with how many hold it. */
class Group implements Taken {
  readonly #resources = new Map<string, number>();
  readonly #kinds = new Map<string, number>();
  /** Definitions that did not get all they want. */
  readonly waiting = new Set<string>();
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  hasResource(name: string): boolean {
    return this.#resources.has(name);
  }

  hasKind(name: string): boolean {
    return this.#kinds.has(name);
  }

  add(definition: Definition): void {
    this.#count += 1;
    this.#each(definition, (names, name) => names.set(name, (names.get(name) ?? 0) + 1));
    if (wantsMore(definition)) this.waiting.add(definition.metadata.name);
  }

  remove(definition: Definition): void {
    this.#count -= 1;
    this.waiting.delete(definition.metadata.name);
    this.#each(definition, (names, name) => {
      const left = (names.get(name) ?? 1) - 1;
      if (left > 0) names.set(name, left);
      else names.delete(name);
    });
  }

  #each({ status }: Definition, act: (names: Map<string, number>, name: string) => void): void {
    const names = status?.acceptedNames;
    if (names === undefined) return;
    const { plural, singular = "", shortNames = [], kind, listKind = "" } = names;
    for (const name of [plural, singular, ...shortNames]) if (name !== "") act(this.#resources, name);
    for (const name of [kind, listKind]) if (name !== "") act(this.#kinds, name);
  }
}

const nobody: Taken = new Group();
