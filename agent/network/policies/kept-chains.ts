import type { IpFamily } from "../ip-family.ts";
import type { LiveRuleset } from "../live-ruleset.ts";
import type { PeerGroups } from "./peer-groups.ts";
import { blocksDefinition, type VerdictChain } from "./verdict-chain.ts";

/** The chains that pods' verdicts lead to, each with the sets it looks into, as long as anybody uses it. No input or output.
 *  Invariant: a chain is in the ruleset exactly while it was acquired more often than released, and so are its sets. */
export class KeptChains {
  readonly #ruleset: LiveRuleset;
  readonly #groups: PeerGroups;
  readonly #family: IpFamily;
  readonly #users = new Map<string, number>();
  readonly #blockUsers = new Map<string, number>();

  constructor(ruleset: LiveRuleset, groups: PeerGroups, family: IpFamily) {
    this.#family = family;
    this.#ruleset = ruleset;
    this.#groups = groups;
  }

  acquire({ name, rules, groups, blocks, next }: VerdictChain): void {
    if (!isFirst(this.#users, name)) return;
    if (next !== undefined) this.acquire(next);
    for (const group of groups) this.#groups.acquire(group);
    for (const block of blocks) {
      if (!isFirst(this.#blockUsers, block.name)) continue;
      this.#ruleset.addSet(block.name, blocksDefinition(this.#family));
      for (const element of block.elements) this.#ruleset.addElement(block.name, element);
    }
    this.#ruleset.putChain(name, { rules });
  }

  release({ name, groups, blocks, next }: VerdictChain): void {
    if (!wasLast(this.#users, name)) return;
    this.#ruleset.removeChain(name);
    for (const group of groups) this.#groups.release(group);
    for (const block of blocks)
      if (wasLast(this.#blockUsers, block.name)) this.#ruleset.removeSet(block.name);
    if (next !== undefined) this.release(next);
  }
}

/** Counts one more. */
function isFirst(users: Map<string, number>, name: string): boolean {
  const count = users.get(name) ?? 0;
  users.set(name, count + 1);
  return count === 0;
}

/** Counts one less. */
function wasLast(users: Map<string, number>, name: string): boolean {
  const count = users.get(name) ?? 0;
  if (count > 1) users.set(name, count - 1);
  else users.delete(name);
  return count === 1;
}
