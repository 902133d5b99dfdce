import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { Host } from "../../integration/etcd-processes.ts";
import { hasPrivateNetwork } from "./private-network.ts";

const subnet = "10.77.0";
const addressOf = (member: number): string => `${subnet}.${member + 1}`;

/** What a queueing discipline does to what a member sends. */
export type Link = "slow" | "narrow";
const disciplines: Readonly<Record<Link, readonly string[]>> = {
  slow: ["netem", "delay", "60ms", "20ms"],
  narrow: ["tbf", "rate", "2mbit", "burst", "16kb", "latency", "400ms"],
};

/** A network namespace for each member, with one link to a bridge at which the clients are. It takes root, a network that is this
 *  process's own, `ip`, `nft`, `tc` and `nsenter`. */
export class MemberNetwork {
  /** Each keeps a namespace while its input is open. */
  readonly #keepers: readonly ChildProcess[];

  private constructor(keepers: readonly ChildProcess[]) {
    this.#keepers = keepers;
  }

  /** Undefined where the machine has not what it takes. */
  static async lay(members: number): Promise<MemberNetwork | undefined> {
    if (!hasPrivateNetwork()) return undefined;
    const keepers: ChildProcess[] = [];
    for (let member = 0; member < members; member++) keepers.push(await keeper());
    const network = new MemberNetwork(keepers);
    if (network.#layBridge() && keepers.every((_, member) => network.#layLink(member))) return network;
    network.remove();
    return undefined;
  }

  hostOf(member: number): Host {
    return { address: addressOf(member), enter: this.#enter(member) };
  }

  /** What the member is sent by these is dropped, until `mend`. */
  cut(member: number, from: readonly number[]): void {
    this.#rule(member, `ip saddr { ${from.map(addressOf).join(", ")} } drop`);
  }

  /** Of what the member is sent by whomever so much is dropped. */
  lose(member: number, percent: number): void {
    this.#rule(member, `meta iifname "eth0" numgen random mod 100 < ${percent} drop`);
  }

  /** Whether the machine has what it takes. */
  impair(member: number, link: Link): boolean {
    return succeeds(
      ...this.#enter(member),
      "tc",
      "qdisc",
      "add",
      "dev",
      "eth0",
      "root",
      ...disciplines[link],
    );
  }

  mend(): void {
    for (const member of this.#keepers.keys()) {
      must(...this.#enter(member), "nft", "flush", "chain", "inet", "chaos", "in");
      succeeds(...this.#enter(member), "tc", "qdisc", "del", "dev", "eth0", "root"); // which there may be none of
    }
  }

  /** The namespaces go with their last process. */
  remove(): void {
    for (const keeper of this.#keepers) keeper.kill("SIGKILL");
  }

  #layBridge(): boolean {
    return (
      succeeds("ip", "link", "set", "lo", "up") &&
      succeeds("ip", "link", "add", "br0", "type", "bridge") &&
      succeeds("ip", "address", "add", `${subnet}.254/24`, "dev", "br0") &&
      succeeds("ip", "link", "set", "br0", "up")
    );
  }

  #layLink(member: number): boolean {
    const outer = `member${member}`;
    const inside = (...command: readonly string[]) => succeeds(...this.#enter(member), ...command);
    const peer = ["peer", "name", "eth0", "netns", String(this.#keepers[member]?.pid)];
    return (
      succeeds("ip", "link", "add", outer, "type", "veth", ...peer) &&
      succeeds("ip", "link", "set", outer, "master", "br0", "up") &&
      inside("ip", "link", "set", "lo", "up") &&
      inside("ip", "address", "add", `${addressOf(member)}/24`, "dev", "eth0") &&
      inside("ip", "link", "set", "eth0", "up") &&
      inside("nft", "add table inet chaos; add chain inet chaos in { type filter hook input priority 0; }")
    );
  }

  #rule(member: number, rule: string): void {
    must(...this.#enter(member), "nft", `add rule inet chaos in ${rule}`);
  }

  #enter(member: number): readonly string[] {
    return ["nsenter", `--net=/proc/${this.#keepers[member]?.pid}/ns/net`];
  }
}

/** A process in a namespace of its own that ends when its input does, so with this one as well; it keeps this one from nothing. */
async function keeper(): Promise<ChildProcess> {
  const child = spawn("unshare", ["--net", "sh", "-c", "echo there; exec cat"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const { stdin, stdout } = child;
  await once(stdout, "data");
  stdout.destroy();
  (stdin as Socket).unref();
  child.unref();
  return child;
}

const succeeds = (command = "", ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

function must(...command: readonly string[]): void {
  if (!succeeds(...command)) throw new Error(`${command.join(" ")} failed`);
}
