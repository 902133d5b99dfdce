import { describeError } from "../../base/os/log.ts";
import { runCommand } from "../runtime/supervised/run-command.ts";
import { ConfigError } from "../sync/environment.ts";
import { type IscsiSource, ifaceOf } from "./remote-source.ts";

/** What iscsiadm answers where there is nothing (any more) to end: no session, no record. */
const nothingThere: readonly number[] = [2, 21];
const sessionExists = 15;

export interface AdminAnswer {
  readonly code: number;
  /** Bounded, and without secrets: those are in words only. */
  readonly output: string;
}

/** The host has no iscsiadm. */
export class NoIscsiadm extends ConfigError {
  constructor() {
    super("iSCSI volumes need iscsiadm, which this node lacks (Debian: apt install open-iscsi)");
  }
}

/** Data of the secret, by key. */
export type ChapSecret = Readonly<Record<string, string>>;

/** Calls of iscsiadm, as kubelets make them. */
export class IscsiAdmin {
  readonly #signal: AbortSignal | undefined;

  /** @param signal Ends what is being called. */
  constructor(signal?: AbortSignal) {
    this.#signal = signal;
  }

  async #run(...words: readonly string[]): Promise<AdminAnswer> {
    const options = this.#signal === undefined ? {} : { signal: this.#signal };
    const { code, stdout, stderr } = await runCommand(["iscsiadm", ...words], options).catch(
      (error: unknown) => {
        this.#signal?.throwIfAborted();
        const cause = error instanceof Error ? error.cause : undefined;
        if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") throw new NoIscsiadm();
        throw new ConfigError(describeError(error));
      },
    );
    return { code, output: `${stdout}${stderr}`.trim().slice(0, 1024) };
  }

  async #must(what: string, ...words: readonly string[]): Promise<string> {
    const { code, output } = await this.#run(...words);
    if (code !== 0) throw new ConfigError(`iscsi: ${what}: ${output || `exit status ${code}`}`);
    return output;
  }

  /** `tcp`, or what else a network card's own initiator speaks. */
  async transportOf(iface: string): Promise<string> {
    const shown = await this.#must(`could not read iface ${iface}`, "-m", "iface", "-I", iface, "-o", "show");
    const name = /^iface\.transport_name = (.*)$/m.exec(shown)?.[1]?.trim();
    if (name === undefined) throw new ConfigError(`iscsi: could not find transport name in iface ${iface}`);
    return name === "<empty>" ? "tcp" : name;
  }

  /** Makes the interface over which a volume's node shows itself by another name. */
  async cloneIface(source: IscsiSource): Promise<void> {
    const { baseIface, initiatorName = "" } = source;
    const iface = ifaceOf(source);
    const shown = await this.#must(
      "failed to show iface records",
      "-m",
      "iface",
      "-I",
      baseIface,
      "-o",
      "show",
    );
    const settings = new Map<string, string>();
    for (const line of shown.split("\n")) {
      const [, name, value = ""] = /^(iface\.\S+) = (\S+)$/.exec(line.trim()) ?? [];
      if (name !== undefined && name !== "iface.iscsi_ifacename" && value !== "<empty>")
        settings.set(name, value);
    }
    settings.set("iface.initiatorname", initiatorName);
    const made = await this.#run("-m", "iface", "-I", iface, "-o", "new");
    if (made.code !== 0 && made.code !== sessionExists)
      throw new ConfigError(`iscsi: failed to create new iface: ${made.output}`);
    for (const [name, value] of [...settings].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const { code, output } = await this.#run(
        "-m",
        "iface",
        "-I",
        iface,
        "-o",
        "update",
        "-n",
        name,
        "-v",
        value,
      );
      if (code === 0) continue;
      await this.removeIface(iface);
      throw new ConfigError(`iscsi: failed to update iface records: ${output}`);
    }
  }

  async removeIface(iface: string): Promise<void> {
    await this.#run("-m", "iface", "-I", iface, "-o", "delete");
  }

  /** Finds the target at a portal, and logs in to it. */
  async login(portal: string, source: IscsiSource, secret: ChapSecret): Promise<void> {
    const { iqn, chap } = source;
    const iface = ifaceOf(source);
    const discovery = ["-m", "discoverydb", "-t", "sendtargets", "-p", portal, "-I", iface];
    await this.#run(...discovery, "-o", "new"); // it may be there
    if (chap.discovery) await this.#setChap(discovery, "discovery.sendtargets.auth", secret);
    const found = await this.#run(...discovery, "--discover");
    if (found.code !== 0) {
      await this.#run(...discovery, "-o", "delete");
      throw new ConfigError(`iscsi: failed to sendtargets to portal ${portal} output: ${found.output}`);
    }
    const node = ["-m", "node", "-p", portal, "-T", iqn, "-I", iface];
    // The kernel shall know of no units that are not asked for. Old versions do not have this.
    await this.#run(...node, "-o", "update", "-n", "node.session.scan", "-v", "manual");
    if (chap.session) await this.#setChap(node, "node.session.auth", secret);
    const logged = await this.#run(...node, "--login");
    if (logged.code !== 0 && logged.code !== sessionExists) {
      await this.#run(...node, "-o", "delete");
      throw new ConfigError(`iscsi: failed to attach disk: ${logged.output}`);
    }
    // A machine that starts shall not wait for it.
    await this.#run(
      "-m",
      "node",
      "-p",
      portal,
      "-T",
      iqn,
      "-o",
      "update",
      "-n",
      "node.startup",
      "-v",
      "manual",
    );
  }

  async #setChap(record: readonly string[], prefix: string, secret: ChapSecret): Promise<void> {
    const set = (name: string, value: string) =>
      this.#must(
        `failed to update ${record[1]} key ${name}`,
        ...record,
        "-o",
        "update",
        "-n",
        name,
        "-v",
        value,
      );
    await set(`${prefix}.authmethod`, "CHAP");
    for (const name of ["username", "password", "username_in", "password_in"].map(
      (key) => `${prefix}.${key}`,
    )) {
      const value = secret[name];
      if (value !== undefined && value !== "") await set(name, value);
    }
  }

  /** Ends the sessions of a target at these portals; fine where there are none. */
  async logout(source: IscsiSource): Promise<void> {
    const { portals, iqn, initiatorName } = source;
    const iface = ifaceOf(source);
    for (const portal of portals) {
      const node = ["-m", "node", "-p", portal, "-T", iqn, "-I", iface];
      for (const act of [["--logout"], ["-o", "delete"]]) {
        const { code, output } = await this.#run(...node, ...act);
        if (code !== 0 && !nothingThere.includes(code))
          throw new ConfigError(`iscsi: failed to detach disk: ${output || `exit status ${code}`}`);
      }
    }
    if (initiatorName !== undefined) await this.removeIface(iface);
  }
}
