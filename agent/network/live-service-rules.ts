import { LiveRuleset } from "./live-ruleset.ts";
import type { Ruleset } from "./nft-ruleset.ts";
import type { NftText } from "./nft-text.ts";
import type { ServicePort } from "./service-plan.ts";
import { type ServiceRulesOptions, serviceRules } from "./service-rules.ts";

/** The table of Services (`service-rules.ts`), changed one port at a time: what a change costs does not grow with the cluster's
 *  Services, but for a look at each port. No input or output.
 *  Invariant: after `update(ports)` the live table holds what `serviceRules(ports)` says. */
export class LiveServiceRules {
  readonly live: LiveRuleset;
  readonly #options: ServiceRulesOptions;
  readonly #base: Ruleset;
  readonly #shown = new Map<string, Shown>();
  /** Of the sets that ports share, how many have an element. */
  readonly #holders = new Map<string, number>();

  constructor(options: ServiceRulesOptions) {
    this.#options = options;
    this.#base = serviceRules([], options);
    const types = Object.entries(this.#base.maps).map(([name, { type }]) => [name, type] as const);
    this.live = new LiveRuleset(Object.fromEntries(types));
    for (const [name, { definition }] of Object.entries(this.#base.sets)) this.live.addSet(name, definition);
    for (const [name, chain] of Object.entries(this.#base.chains)) this.live.putChain(name, chain);
  }

  /** Ports that are the same objects as before are left as they are. */
  update(ports: readonly ServicePort[]): void {
    const wanted = new Map(ports.map((port) => [port.id, port]));
    for (const [id, shown] of this.#shown)
      if (wanted.get(id) !== shown.port) {
        this.#remove(shown.rules);
        this.#shown.delete(id);
      }
    // What one gave up may be another's now.
    for (const [id, port] of wanted)
      if (!this.#shown.has(id)) {
        const rules = serviceRules([port], this.#options);
        this.#put(rules);
        this.#shown.set(id, { port, rules });
      }
  }

  #put({ chains, sets, maps }: Ruleset): void {
    for (const [name, { definition, elements }] of Object.entries(sets))
      if (name in this.#base.sets) for (const key of elements ?? []) this.#share(name, key);
      else this.live.addSet(name, definition);
    for (const [name, chain] of Object.entries(chains))
      if (!(name in this.#base.chains)) this.live.putChain(name, chain);
    for (const [name, { elements }] of Object.entries(maps))
      for (const { key, verdict } of elements) this.live.putVerdict(name, key, verdict);
  }

  #remove({ chains, sets, maps }: Ruleset): void {
    for (const [name, { elements }] of Object.entries(maps))
      for (const { key } of elements) this.live.removeElement(name, key);
    for (const name of Object.keys(chains)) if (!(name in this.#base.chains)) this.live.removeChain(name);
    for (const [name, { elements }] of Object.entries(sets))
      if (name in this.#base.sets) for (const key of elements ?? []) this.#unshare(name, key);
      else this.live.removeSet(name);
  }

  #share(set: string, key: NftText): void {
    const holder = `${set} ${key.text}`;
    const count = this.#holders.get(holder) ?? 0;
    this.#holders.set(holder, count + 1);
    if (count === 0) this.live.addElement(set, key);
  }

  #unshare(set: string, key: NftText): void {
    const holder = `${set} ${key.text}`;
    const count = this.#holders.get(holder) ?? 0;
    if (count > 1) this.#holders.set(holder, count - 1);
    else {
      this.#holders.delete(holder);
      this.live.removeElement(set, key);
    }
  }
}

interface Shown {
  readonly port: ServicePort;
  /** Of this port alone. */
  readonly rules: Ruleset;
}
