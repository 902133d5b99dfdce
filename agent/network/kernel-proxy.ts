import { describeError, type Log } from "../../base/os/log.ts";
import type { FlowCleaner } from "./conntrack.ts";
import type { LiveRuleset } from "./live-ruleset.ts";
import { LiveServiceRules } from "./live-service-rules.ts";
import type { LiveApplier, RulesetApplier } from "./nft-applier.ts";
import type { ServicePlan, ServicePort, ServiceProblem } from "./service-plan.ts";
import { type ServiceRulesOptions, serviceRules } from "./service-rules.ts";

export interface KernelProxyParts {
  readonly openApplier: (table: LiveRuleset) => Pick<LiveApplier, "flush"> & Pick<RulesetApplier, "check">;
  readonly flows: FlowCleaner;
  readonly log: Log;
}

/** Carries out a plan with nftables. A port whose rules the kernel refuses is left out of the table, and said; the others
 *  are applied without it. */
export class KernelProxy {
  readonly #options: ServiceRulesOptions;
  readonly #parts: KernelProxyParts;
  readonly #rules: LiveServiceRules;
  readonly #applier: ReturnType<KernelProxyParts["openApplier"]>;

  constructor(options: ServiceRulesOptions, parts: KernelProxyParts) {
    this.#options = options;
    this.#parts = parts;
    this.#rules = new LiveServiceRules(options);
    this.#applier = parts.openApplier(this.#rules.live);
  }

  async update({ ports }: ServicePlan): Promise<readonly ServiceProblem[]> {
    const problems: ServiceProblem[] = [];
    let applied = ports;
    try {
      await this.#carryOut(ports);
    } catch (error) {
      await this.#applier.check(serviceRules([], this.#options)); // or no Service is to blame
      applied = await this.#acceptable(ports, problems);
      if (problems.length === 0) throw error; // each by itself is fine: it is the kernel, not a Service
      await this.#carryOut(applied);
    }
    try {
      await this.#parts.flows.clean(applied);
    } catch (error) {
      this.#parts.log.warn("cannot make the kernel forget old flows", { error });
    }
    return problems;
  }

  stop(): void {}

  async #carryOut(ports: readonly ServicePort[]): Promise<void> {
    this.#rules.update(ports);
    await this.#applier.flush();
  }

  /** Those that the kernel takes. Halves what it refuses until it knows which. */
  async #acceptable(
    ports: readonly ServicePort[],
    problems: ServiceProblem[],
  ): Promise<readonly ServicePort[]> {
    try {
      await this.#applier.check(serviceRules(ports, this.#options));
      return ports;
    } catch (error) {
      const [only] = ports;
      if (only === undefined) return [];
      if (ports.length === 1) {
        problems.push({ service: only.service, message: `${only.id}: ${describeError(error)}; left out` });
        return [];
      }
      const middle = ports.length >> 1;
      return [
        ...(await this.#acceptable(ports.slice(0, middle), problems)),
        ...(await this.#acceptable(ports.slice(middle), problems)),
      ];
    }
  }
}
