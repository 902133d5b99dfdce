import { parseAddress } from "../../../base/ip-range.ts";
import { isInSpans } from "../../../base/ip-spans.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Log } from "../../../base/os/log.ts";
import type { FlowCleaner } from "../conntrack.ts";
import type { FamilySide } from "../family-sides.ts";
import type { RulesetApplier } from "../nft-applier.ts";
import { isInRange, specialAddress } from "../parsed-input.ts";
import type { ServicePlan, ServicePort, ServiceProblem } from "../service-plan.ts";
import type { IpvsKernel, Refusal } from "./ipvs-kernel.ts";
import {
  type Command,
  commandText,
  destinationPlace,
  placeOf,
  type ServerTable,
  type VirtualServer,
} from "./ipvs-model.ts";
import { ipvsRules } from "./ipvs-rules.ts";
import { commandsBetween, idleDestinations, tableAfter, wantedServers } from "./plan-servers.ts";
import type { LinkAddresses } from "./service-link.ts";

export interface IpvsProxyParts {
  readonly kernel: IpvsKernel;
  readonly link: LinkAddresses;
  readonly applier: Pick<RulesetApplier, "apply">;
  readonly flows: FlowCleaner;
  readonly scheduler: string;
  /** All that the node has, but those of Services. */
  readonly nodeAddresses: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/** What the kernel has is read anew this often, should somebody have changed it. */
const wholeEveryMs = 3_600_000;

/** Carries out a plan with IPVS: Services' addresses on a link, a virtual server for each place that they are reached at, and the
 *  few rules that IPVS leaves to nftables. The kernel's table of IPVS is this proxy's alone. */
export class IpvsProxy {
  /** So often somebody is to look: for destinations whose last connection ended, and for the node's addresses. */
  readonly lookEveryMs = 30_000;
  readonly #side: FamilySide;
  readonly #parts: IpvsProxyParts;
  /** As the kernel has it; undefined: nobody knows. */
  #held: ServerTable | undefined;
  #addresses: ReadonlySet<string> = new Set();
  #wanted: ServerTable = new Map();
  #wholeMs = 0;

  constructor(side: FamilySide, parts: IpvsProxyParts) {
    this.#side = side;
    this.#parts = parts;
  }

  async update({ ports }: ServicePlan): Promise<readonly ServiceProblem[]> {
    const { link, applier, flows, log } = this.#parts;
    const wanted = this.#wantedOf(ports);
    const held = this.#held ?? (await this.#readAll());
    this.#held = undefined; // begin anew next time where this fails
    const addresses = new Set(
      ports.flatMap(({ clusterIps, externalIps, balancerIps }) =>
        [clusterIps, externalIps, balancerIps].flat(),
      ),
    );
    // Packets find rules and servers when the node takes them in, until after it does not any more.
    await applier.apply(ipvsRules(ports, this.#side));
    const { after, refusals } = await this.#carryOut(held, commandsBetween(held, wanted));
    await link.add([...addresses].filter((one) => !this.#addresses.has(one)));
    await link.remove([...this.#addresses].filter((one) => !addresses.has(one)));
    this.#addresses = addresses;
    this.#held = after;
    this.#wanted = wanted;
    try {
      await flows.clean(ports);
    } catch (error) {
      log.warn("cannot make the kernel forget old UDP flows", { error });
    }
    return problemsOf(refusals, ports);
  }

  /** Removes destinations that nobody is connected to any more. False: everything is to be carried out again. */
  async isWhole(): Promise<boolean> {
    const { kernel, clock, log } = this.#parts;
    const held = this.#held;
    if (held === undefined || clock.monotonicMs() - this.#wholeMs >= wholeEveryMs) return this.#begin();
    const present = new Set((await this.#ownServers()).map(placeOf));
    if ([...held.keys()].some((place) => !present.has(place))) {
      log.warn("somebody took virtual servers of Services away; making them anew");
      return this.#begin();
    }
    let after = held;
    for (const server of this.#wanted.values()) {
      const known = held.get(placeOf(server));
      if ([...(known?.destinations.keys() ?? [])].every((place) => server.destinations.has(place))) continue;
      const idle = idleDestinations(server, await kernel.destinations(server));
      after = (await this.#carryOut(after, idle)).after;
    }
    this.#held = after;
    // The node's addresses may be others, and the kernel may take now what it refused.
    return commandsBetween(after, this.#wantedOf(this.#ports)).length === 0;
  }

  stop(): void {}

  #ports: readonly ServicePort[] = [];

  #wantedOf(ports: readonly ServicePort[]): ServerTable {
    this.#ports = ports;
    const { version } = this.#side.family;
    const nodeAddresses = this.#parts.nodeAddresses().filter((address) => this.#servesNodePorts(address));
    return wantedServers(ports, { version, scheduler: this.#parts.scheduler, nodeAddresses });
  }

  #servesNodePorts(address: string): boolean {
    const { family, nodePortRanges, balancerPool = [], dnsAddress } = this.#side;
    const isOurs = address.includes(":") === (family.version === 6);
    if (!isOurs || address === dnsAddress || specialAddress(address) !== undefined) return false;
    if (isInSpans(balancerPool, parseAddress(address))) return false;
    return nodePortRanges?.some((range) => isInRange(range, address)) ?? true;
  }

  /** What is refused is tried again at the next look. */
  async #carryOut(
    held: ServerTable,
    commands: readonly Command[],
  ): Promise<{ readonly after: ServerTable; readonly refusals: readonly Refusal[] }> {
    const refusals = await this.#parts.kernel.carryOut(commands);
    const refused = new Set(refusals.map(({ command }) => command));
    return {
      after: tableAfter(
        held,
        commands.filter((one) => !refused.has(one)),
      ),
      refusals,
    };
  }

  #begin(): false {
    this.#held = undefined;
    return false;
  }

  async #ownServers() {
    const { version } = this.#side.family;
    return (await this.#parts.kernel.servers()).filter((server) => server.version === version);
  }

  async #readAll(): Promise<ServerTable> {
    const { kernel, link, clock } = this.#parts;
    const table = new Map<string, VirtualServer>();
    for (const server of await this.#ownServers()) {
      const destinations = await kernel.destinations(server);
      table.set(placeOf(server), {
        ...server,
        destinations: new Map(destinations.map((one) => [destinationPlace(one), one])),
      });
    }
    this.#addresses = await link.present();
    this.#wholeMs = clock.monotonicMs();
    return table;
  }
}

/** One for each port, by its first refusal. */
function problemsOf(refusals: readonly Refusal[], ports: readonly ServicePort[]): readonly ServiceProblem[] {
  const found = new Map<ServicePort, ServiceProblem>();
  for (const { command, error } of refusals) {
    const { address, port: number, protocol } = command.server;
    const port = ports.find((one) => {
      const isAtPort =
        one.port === number &&
        [one.clusterIps, one.externalIps, one.balancerIps].some((ips) => ips.includes(address));
      return one.protocol === protocol && (isAtPort || one.nodePort === number);
    });
    if (port === undefined || found.has(port)) continue;
    const message = `${port.id}: IPVS refuses to ${commandText(command)}: ${error}; left out`;
    found.set(port, { service: port.service, message });
  }
  return [...found.values()];
}
