import { stat } from "node:fs/promises";
import type { AttachmentRecord } from "./attachment-records.ts";
import { isAtLeast } from "./cni-versions.ts";
import { readNetwork } from "./config-folder.ts";
import type { JsonObject, NetworkList, PluginConfig } from "./network-list.ts";
import { CniPluginError, pluginFailure, pluginResult, spokenVersions } from "./plugin-answer.ts";
import {
  type CniAttachment,
  type CniCommand,
  type PluginNews,
  type PluginWords,
  pluginEnvironment,
  pluginInput,
} from "./plugin-input.ts";
import { findPlugin, pluginLimits, runPlugin } from "./run-plugin.ts";

export interface CniPlaces {
  readonly confDir: string;
  readonly binDirs: readonly string[];
}

/** What is to be made, as `AttachmentRecord` keeps it. */
export type Connection = Omit<AttachmentRecord, "addresses" | "result" | "checkedBy">;

/** A network that pods can be given to now, in the version that all its plugins speak. */
export interface UsableNetwork {
  readonly list: NetworkList;
  readonly version: string;
}

/** Why pods cannot be given to a network now. */
export class NetworkNotReady extends Error {
  override readonly name = "NetworkNotReady";
}

const statusMs = 10_000;

/** Operations of CNI on the network that a folder has now. */
export class CniNetwork {
  readonly #places: CniPlaces;
  /** By the plugin's file, as it is now. */
  readonly #spoken = new Map<string, Promise<readonly string[]>>();

  constructor(places: CniPlaces) {
    this.#places = places;
  }

  /** Why no pod can be connected now, in the words of a container runtime; undefined when it can. */
  async trouble(): Promise<string | undefined> {
    try {
      const { list, version } = await this.usable();
      if (!isAtLeast(version, "1.1.0")) return undefined;
      for (const plugin of list.plugins)
        await this.#run("STATUS", plugin, { name: list.name, version }, {}, {}, statusMs);
      return undefined;
    } catch (error) {
      if (error instanceof NetworkNotReady || error instanceof CniPluginError) return error.message;
      throw error;
    }
  }

  /** Rejects with NetworkNotReady. */
  async usable(): Promise<UsableNetwork> {
    const { network: list, faults } = await readNetwork(this.#places.confDir);
    if (list === undefined) {
      const why = faults.length === 0 ? "" : ` (${faults.slice(0, 5).join("; ")})`;
      throw new NetworkNotReady(`cni config uninitialized${why}`);
    }
    const spoken = new Map<string, readonly string[]>();
    for (const { type } of list.plugins) spoken.set(type, await this.#versionsOf(type));
    const versions = list.versions.filter((version) =>
      list.plugins.every(({ type }) => spoken.get(type)?.includes(version)),
    );
    const version = versions.at(-1);
    if (version !== undefined) return { list, version };
    const told = [...spoken].map(([type, those]) => `${type} speaks ${those.join(", ").slice(0, 100)}`);
    throw new NetworkNotReady(
      `network ${list.name} is written for CNI ${list.versions.join(", ")}, and not all its plugins speak that: ${told.join("; ")}`,
    );
  }

  /** Runs the plugins one after the other; answers what the last one says. */
  async add(connection: Connection): Promise<JsonObject> {
    let result: JsonObject | undefined;
    for (const plugin of connection.plugins) {
      const news = { prevResult: result, capabilityArgs: connection.capabilityArgs };
      const output = await this.#runOn("ADD", plugin, connection, news);
      // One that has nothing to say, after others, leaves it at what they said.
      const isSilent = output.stdout.trim() === "" && result !== undefined;
      if (!isSilent) result = pluginResult(`plugin ${plugin.type} (ADD)`, output, connection.cniVersion);
    }
    return result ?? {};
  }

  /** Undoes what they did, the last one's first. All are asked; rejects with the first failure. */
  async del(record: AttachmentRecord, netnsPath: string): Promise<void> {
    const prevResult = isAtLeast(record.cniVersion, "0.4.0") ? record.result : undefined;
    const connection = { ...record, netns: { ...record.netns, path: netnsPath } };
    let failure: unknown;
    for (const plugin of record.plugins.toReversed())
      try {
        await this.#runOn("DEL", plugin, connection, { prevResult, capabilityArgs: record.capabilityArgs });
      } catch (error) {
        failure ??= error;
      }
    if (failure !== undefined) throw failure;
  }

  /** Asks those plugins, by their places in the list, whether all is as they made it; answers what each found wrong. */
  async check(record: AttachmentRecord, places: readonly number[]): Promise<ReadonlyMap<number, unknown>> {
    const faults = new Map<number, unknown>();
    const { result: prevResult, capabilityArgs } = record;
    for (const [place, plugin] of record.plugins.entries())
      if (places.includes(place))
        await this.#runOn("CHECK", plugin, record, { prevResult, capabilityArgs }).catch((error: unknown) =>
          faults.set(place, error),
        );
    return faults;
  }

  /** Has plugins remove all that is not of these. Those of before release 1.1 know no such request. */
  async gc(validAttachments: readonly CniAttachment[]): Promise<void> {
    const { list, version } = await this.usable();
    if (list.disableGc || !isAtLeast(version, "1.1.0")) return;
    for (const plugin of list.plugins)
      await this.#run("GC", plugin, { name: list.name, version }, {}, { validAttachments });
  }

  #runOn(command: CniCommand, plugin: PluginConfig, connection: Connection, news: PluginNews) {
    const { sandboxId: containerId, ifName, network: name, cniVersion: version, netns, args } = connection;
    const words = { attachment: { containerId, ifName }, netnsPath: netns.path, args };
    return this.#run(command, plugin, { name, version }, words, news);
  }

  async #run(
    command: CniCommand,
    plugin: PluginConfig,
    network: { readonly name: string; readonly version: string },
    words: Omit<PluginWords, "command" | "binDirs">,
    news: PluginNews,
    timeoutMs: number = pluginLimits.runMs,
  ) {
    const { binDirs } = this.#places;
    const path = await this.#pathOf(plugin.type);
    const environment = pluginEnvironment({ command, binDirs, ...words });
    const output = await runPlugin({
      path,
      environment,
      input: pluginInput(plugin, network, news),
      timeoutMs,
    });
    if (output.failure !== undefined) throw pluginFailure(`plugin ${plugin.type} (${command})`, output);
    return output;
  }

  async #pathOf(type: string): Promise<string> {
    const path = await findPlugin(type, this.#places.binDirs);
    if (path !== undefined) return path;
    throw new NetworkNotReady(`failed to find plugin "${type}" in path [${this.#places.binDirs.join(" ")}]`);
  }

  async #versionsOf(type: string): Promise<readonly string[]> {
    const path = await this.#pathOf(type);
    const { ino, size, mtimeMs } = await stat(path);
    const key = `${path} ${ino} ${size} ${mtimeMs}`;
    const known = this.#spoken.get(key) ?? this.#askVersions(type, path);
    this.#spoken.set(key, known);
    // What could not be asked is asked again.
    known.catch(() => this.#spoken.delete(key));
    return known;
  }

  async #askVersions(type: string, path: string): Promise<readonly string[]> {
    const environment = pluginEnvironment({ command: "VERSION", binDirs: this.#places.binDirs });
    // As libcni asks; the version is of the question.
    const input = JSON.stringify({ cniVersion: "1.1.0" });
    const output = await runPlugin({ path, environment, input, timeoutMs: statusMs });
    const versions = spokenVersions(output);
    if (versions === undefined) throw pluginFailure(`plugin ${type} (VERSION)`, output);
    return versions;
  }
}
