import { LiveRuleset } from "./live-ruleset.ts";
import { type ChoiceKind, choiceKinds, kindName, numberRules } from "./service-choices.ts";
import type { ServicePort } from "./service-plan.ts";
import {
  baseRules,
  draftServices,
  familyOf,
  type ServiceDraft,
  type ServiceRulesOptions,
  sharedMembers,
} from "./service-rules.ts";

/** The table of Services (`service-rules.ts`), changed one port at a time: what a change costs does not grow with the cluster's
 *  Services, but for a look at each port. No input or output.
 *  Invariant: after `update(ports)` the live table holds what `serviceRules(ports)` says. */
export class LiveServiceRules {
  readonly live: LiveRuleset;
  readonly #options: ServiceRulesOptions;
  readonly #shown = new Map<string, ServicePort>();
  /** How many have a chain or an element that ports share. */
  readonly #holders = new Map<string, number>();
  readonly #numbers = choiceKinds.map((kind): Numbers => ({ kind, made: 0, counts: new Map() }));

  constructor(options: ServiceRulesOptions) {
    this.#options = options;
    const { maps, sets, chains } = baseRules(options);
    this.live = new LiveRuleset(maps);
    for (const [name, { definition, fields }] of Object.entries(sets))
      this.live.addSet(name, definition, fields);
    for (const [name, chain] of Object.entries(chains)) this.live.putChain(name, chain);
  }

  /** Ports that are the same objects as before are left as they are. */
  update(ports: readonly ServicePort[]): void {
    const wanted = new Map(ports.map((port) => [port.id, port]));
    for (const [id, shown] of this.#shown)
      if (wanted.get(id) !== shown) {
        this.#remove(this.#draftOf(shown));
        this.#shown.delete(id);
      }
    // What one gave up may be another's now.
    for (const [id, port] of wanted)
      if (!this.#shown.has(id)) {
        this.#put(this.#draftOf(port));
        this.#shown.set(id, port);
      }
    for (const one of this.#numbers) this.#makeNumbers(one, Math.max(0, ...one.counts.keys()));
  }

  /** Worked out again rather than kept: it is seldom asked for. */
  #draftOf(port: ServicePort): ServiceDraft {
    return draftServices([port], this.#options);
  }

  #put(draft: ServiceDraft): void {
    for (const one of this.#numbers) {
      const count = draft.counts[kindName(one.kind)] ?? 0;
      one.counts.set(count, (one.counts.get(count) ?? 0) + 1);
      this.#makeNumbers(one, Math.max(one.made, count));
    }
    for (const [name, { definition }] of Object.entries(draft.sets)) this.live.addSet(name, definition);
    for (const [name, chain] of Object.entries(draft.chains)) this.live.putChain(name, chain);
    for (const [name, make] of draft.shared) this.#share(name, () => this.live.putChain(name, make()));
    for (const [name, entries] of Object.entries(draft.entries))
      for (const { key, value } of entries) this.live.putEntry(name, key, value);
    for (const [set, keys] of Object.entries(sharedMembers(draft)))
      for (const key of keys.values())
        this.#share(`${set} ${key.text}`, () => this.live.addElement(set, key));
  }

  #remove(draft: ServiceDraft): void {
    for (const { kind, counts } of this.#numbers) {
      const count = draft.counts[kindName(kind)] ?? 0;
      const holders = counts.get(count) ?? 0;
      if (holders > 1) counts.set(count, holders - 1);
      else counts.delete(count);
    }
    for (const [set, keys] of Object.entries(sharedMembers(draft)))
      for (const key of keys.values())
        this.#unshare(`${set} ${key.text}`, () => this.live.removeElement(set, key));
    for (const [name, entries] of Object.entries(draft.entries))
      for (const { key } of entries) this.live.removeElement(name, key);
    for (const name of draft.shared.keys()) this.#unshare(name, () => this.live.removeChain(name));
    for (const name of Object.keys(draft.chains)) this.live.removeChain(name);
    for (const name of Object.keys(draft.sets)) this.live.removeSet(name);
  }

  /** As many numbers of a kind as the port with the most endpoints needs. */
  #makeNumbers(numbers: Numbers, wanted: number): void {
    const { kind, made } = numbers;
    const family = familyOf(this.#options);
    for (let number = made; number < wanted; number++) {
      const { name, endpoints, chain, map, key, value } = numberRules(family, kind, number);
      this.live.addMap(name, endpoints);
      this.live.putChain(name, chain);
      this.live.putEntry(map, key, value);
    }
    for (let number = wanted; number < made; number++) {
      const { name, map, key } = numberRules(family, kind, number);
      this.live.removeElement(map, key);
      this.live.removeChain(name);
      this.live.removeSet(name);
    }
    numbers.made = wanted;
  }

  #share(what: string, put: () => void): void {
    const count = this.#holders.get(what) ?? 0;
    this.#holders.set(what, count + 1);
    if (count === 0) put();
  }

  #unshare(what: string, remove: () => void): void {
    const count = this.#holders.get(what) ?? 0;
    if (count > 1) this.#holders.set(what, count - 1);
    else {
      this.#holders.delete(what);
      remove();
    }
  }
}

interface Numbers {
  readonly kind: ChoiceKind;
  made: number;
  /** Of how many endpoints how many ports have. */
  readonly counts: Map<number, number>;
}
