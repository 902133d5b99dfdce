import { genericFamily } from "../netlink/generic-netlink.ts";
import {
  errorOf,
  joined,
  messageTypes,
  type NetlinkMessage,
  readMessages,
} from "../netlink/netlink-message.ts";
import type { Netlink } from "../netlink/netlink-socket.ts";
import {
  type Envelope,
  encodeCommand,
  encodeFlush,
  encodeListDestinations,
  encodeListServers,
  encodeTrial,
  ipvsFamilyName,
  readDestination,
  readServer,
} from "./ipvs-messages.ts";
import type { Command, CountedDestination, ServerPlace, ServerSettings } from "./ipvs-model.ts";

/** The kernel's IPVS in this network namespace. */
export interface IpvsKernel {
  servers(): Promise<readonly (ServerPlace & ServerSettings)[]>;
  destinations(server: ServerPlace): Promise<readonly CountedDestination[]>;
  /** Answers those that the kernel refused. What is there already is set, and what is to go and is gone is no refusal. */
  carryOut(commands: readonly Command[]): Promise<readonly Refusal[]>;
  hasScheduler(name: string): Promise<boolean>;
  /** Nothing is left. */
  flush(): Promise<void>;
}

export interface Refusal {
  readonly command: Command;
  /** The kernel's, such as `ENOENT`. */
  readonly error: string;
}

/** Each is acknowledged, and the acknowledgements have to fit in what a socket holds back. */
const commandsAtOnce = 64;
/** Packets have no such mark: those of Kubernetes' and ours have one bit. */
const trialMark = 0x7e57_1e57;

/** `undefined` where the kernel has no IPVS. */
export async function openIpvsKernel(netlink: Netlink): Promise<IpvsKernel | undefined> {
  const family = await genericFamily(netlink, ipvsFamilyName);
  return family === undefined ? undefined : new NetlinkIpvs(netlink, family);
}

class NetlinkIpvs implements IpvsKernel {
  readonly #netlink: Netlink;
  readonly #family: number;

  constructor(netlink: Netlink, family: number) {
    this.#netlink = netlink;
    this.#family = family;
  }

  async servers(): Promise<readonly (ServerPlace & ServerSettings)[]> {
    const listed = await this.#list((envelope) => encodeListServers(envelope));
    return listed.flatMap((message) => readServer(message) ?? []);
  }

  async destinations(server: ServerPlace): Promise<readonly CountedDestination[]> {
    const listed = await this.#list((envelope) => encodeListDestinations(envelope, server));
    return listed.map((message) => readDestination(server.version, message));
  }

  async carryOut(commands: readonly Command[]): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    const present: Command[] = [];
    for (const { command, error } of await this.#refused(commands))
      if (error === "EEXIST" && command.kind in setting) present.push(command);
      else refusals.push({ command, error });
    const instead = new Map(present.map((command) => [settingOf(command), command]));
    for (const { command, error } of await this.#refused([...instead.keys()]))
      refusals.push({ command: instead.get(command) ?? command, error });
    return refusals;
  }

  async #refused(commands: readonly Command[]): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = [];
    for (let at = 0; at < commands.length; at += commandsAtOnce) {
      const some = commands.slice(at, at + commandsAtOnce);
      const errors = await this.#errors(some.map((one) => (envelope) => encodeCommand(envelope, one)));
      for (const [nth, command] of some.entries()) {
        const error = errors[nth];
        if (error !== undefined && !isGone(command, error)) refusals.push({ command, error });
      }
    }
    return refusals;
  }

  async hasScheduler(name: string): Promise<boolean> {
    const settings = { scheduler: name, persistSeconds: 0 };
    const trial = (kind: "addServer" | "removeServer") => (envelope: Envelope) =>
      encodeTrial(envelope, { mark: trialMark, settings, kind });
    const [error] = await this.#errors([trial("addServer"), trial("removeServer")]);
    if (error === undefined || error === "EEXIST") return true;
    if (error === "ENOENT") return false;
    throw new Error(`IPVS refuses a server with the scheduler ${name}: ${error}`);
  }

  async flush(): Promise<void> {
    const [error] = await this.#errors([encodeFlush]);
    if (error !== undefined) throw new Error(`IPVS refuses to be emptied: ${error}`);
  }

  /** What the kernel says to each, in their order. */
  async #errors(
    requests: readonly ((envelope: Envelope) => Uint8Array)[],
  ): Promise<readonly (string | undefined)[]> {
    const envelope = (nth: number): Envelope => ({ family: this.#family, sequence: nth + 1 });
    const answer = readMessages(
      await this.#netlink.ask(joined(requests.map((encode, nth) => encode(envelope(nth))))),
    );
    const said = new Map(
      answer
        .filter(({ type }) => type === messageTypes.error)
        .map((message) => [message.sequence, errorOf(message) ?? "none"]),
    );
    return requests.map((_, nth) => {
      const error = said.get(nth + 1);
      if (error === undefined) throw new Error("IPVS did not answer a command");
      return error === "none" ? undefined : error;
    });
  }

  async #list(encode: (envelope: Envelope) => Uint8Array): Promise<readonly NetlinkMessage[]> {
    const listed: NetlinkMessage[] = [];
    for (const message of readMessages(
      await this.#netlink.ask(encode({ family: this.#family, sequence: 1 })),
    )) {
      if (message.type === this.#family) {
        listed.push(message);
        continue;
      }
      const error = errorOf(message);
      if (error !== undefined) throw new Error(`IPVS does not list what it has: ${error}`);
      if (message.type === messageTypes.done) return listed;
    }
    throw new Error("IPVS did not end its list");
  }
}

/** What makes of one that is there what was to be added. */
const setting = { addServer: "setServer", addDestination: "setDestination" } as const;

function settingOf(command: Command): Command {
  if (command.kind === "addServer") return { ...command, kind: setting.addServer };
  return command.kind === "addDestination" ? { ...command, kind: setting.addDestination } : command;
}

/** What was to go is not there. */
function isGone({ kind }: Command, error: string): boolean {
  return (
    (kind === "removeServer" || kind === "removeDestination") && (error === "ESRCH" || error === "ENOENT")
  );
}
