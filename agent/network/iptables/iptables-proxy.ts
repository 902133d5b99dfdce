import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { FlowCleaner } from "../conntrack.ts";
import type { ServicePlan, ServiceProblem } from "../service-plan.ts";
import type { ServiceRulesOptions } from "../service-rules.ts";
import type { IptablesTool } from "./iptables-tool.ts";
import { LiveTables } from "./live-tables.ts";
import { restoreTexts, wholeChange } from "./restore-text.ts";

export interface IptablesProxyParts {
  readonly tool: IptablesTool;
  readonly hasSctp: boolean;
  readonly flows: FlowCleaner;
  readonly clock: Clock;
  readonly log: Log;
}

/** All is written anew this often, as kube-proxy does, should somebody have changed it. */
const wholeEveryMs = 3_600_000;

/** Carries out a plan with iptables: first all, and from then on the chains that change. */
export class IptablesProxy {
  /** So often somebody is to ask whether all is there. */
  readonly lookEveryMs = 30_000;
  readonly #parts: IptablesProxyParts;
  readonly #live: LiveTables;
  #wholeMs = 0;

  constructor(options: ServiceRulesOptions, parts: IptablesProxyParts) {
    this.#parts = parts;
    this.#live = new LiveTables(options);
  }

  async update({ ports }: ServicePlan): Promise<readonly ServiceProblem[]> {
    const { tool, hasSctp, flows, clock, log } = this.#parts;
    const served = hasSctp ? ports : ports.filter(({ protocol }) => protocol !== "sctp");
    const wanted = this.#live.wanted(served);
    const change = this.#live.change(wanted);
    this.#live.applied(undefined); // begin anew next time where this fails
    if (change === undefined) {
      for (const text of restoreTexts(wholeChange(await tool.present(), wanted))) await tool.restore(text);
      this.#wholeMs = clock.monotonicMs();
    } else for (const text of restoreTexts(change)) await tool.restore(text);
    this.#live.applied(wanted);
    try {
      await flows.clean(served);
    } catch (error) {
      log.warn("cannot make the kernel forget old UDP flows", { error });
    }
    return ports
      .filter((port) => !served.includes(port))
      .map(({ service, id }) => ({
        service,
        message: `${id}: the kernel's iptables have no match for SCTP; left out`,
      }));
  }

  /** False: everything is to be carried out again. */
  async isWhole(): Promise<boolean> {
    const { tool, clock, log } = this.#parts;
    const isThere = await tool.hasCanary();
    if (!isThere) log.warn("somebody took the chains of Services away; writing them anew");
    const isWhole = isThere && clock.monotonicMs() - this.#wholeMs < wholeEveryMs;
    if (!isWhole) this.#live.applied(undefined);
    return isWhole;
  }

  stop(): void {}
}
