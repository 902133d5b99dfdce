import type { ServicePort } from "../service-plan.ts";
import type { ServiceRulesOptions } from "../service-rules.ts";
import { type PortChains, portChains } from "./port-chains.ts";
import type { TablesChange } from "./restore-text.ts";
import { serviceTables } from "./service-tables.ts";
import type { Rule, TableName, Tables } from "./table-chains.ts";

/** The tables of Services, and what of them the kernel does not have yet: chains whose rules changed are written anew, others are
 *  left alone, and with them the clients that an endpoint's chain remembers. Ports that are the same objects as before are
 *  not worked out again. No input or output. */
export class LiveTables {
  readonly #options: ServiceRulesOptions;
  #ports: ReadonlyMap<ServicePort, PortChains> = new Map();
  /** As the kernel has them. */
  #applied: Tables | undefined;

  constructor(options: ServiceRulesOptions) {
    this.#options = options;
  }

  wanted(ports: readonly ServicePort[]): Tables {
    this.#ports = new Map(
      ports.map((port) => [port, this.#ports.get(port) ?? portChains(port, this.#options)]),
    );
    return serviceTables([...this.#ports.values()], this.#options);
  }

  /** From what the kernel has to what is wanted; `undefined` where nobody knows what it has. */
  change(wanted: Tables): TablesChange | undefined {
    const applied = this.#applied;
    if (applied === undefined) return undefined;
    const change = (table: TableName) => {
      const [from, to] = [applied[table].chains, wanted[table].chains];
      return {
        chains: [...to].flatMap(([name, rules]) =>
          isSame(from.get(name), rules) ? [] : [[name, rules.map(({ text }) => text)] as const],
        ),
        goneChains: [...from.keys()].filter((name) => !to.has(name)),
        goneJumps: [],
        newJumps: [],
      };
    };
    return { filter: change("filter"), nat: change("nat") };
  }

  /** The kernel has these; `undefined`: nobody knows. */
  applied(tables: Tables | undefined): void {
    this.#applied = tables;
  }
}

function isSame(a: readonly Rule[] | undefined, b: readonly Rule[]): boolean {
  return a === b || (a?.length === b.length && a.every(({ text }, at) => text === b[at]?.text));
}
