import { cniVersions, oldestCniVersion } from "./cni-versions.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** One plugin of a network, with its configuration as it was written. */
export interface PluginConfig {
  readonly type: string;
  /** What it asks the runtime to tell it, such as `portMappings`. */
  readonly capabilities: readonly string[];
  readonly written: JsonObject;
}

/** A network: plugins that are run one after the other. */
export interface NetworkList {
  readonly name: string;
  /** Versions of the specification that it is written for and the agent speaks, the oldest first. Never empty. */
  readonly versions: readonly string[];
  readonly disableCheck: boolean;
  readonly disableGc: boolean;
  /** Nothing is added to these plugins from the network's own folder. */
  readonly loadOnlyInlinedPlugins: boolean;
  readonly plugins: readonly PluginConfig[];
}

/** Why a configuration is none. */
export class CniConfigError extends Error {
  override readonly name = "CniConfigError";
}

const pluginsMost = 32;
const namePattern = /^[A-Za-z0-9][\w.-]{0,127}$/;

/** Reads a list of plugins (`.conflist`). Throws CniConfigError. Pure. */
export function networkListOf(text: string): NetworkList {
  const raw = objectOf(text);
  const { plugins } = raw;
  if (plugins !== undefined && !Array.isArray(plugins)) throw new CniConfigError("plugins is no list");
  return {
    ...headOf(raw),
    disableCheck: isTrue(raw, "disableCheck"),
    disableGc: isTrue(raw, "disableGC"),
    loadOnlyInlinedPlugins: isTrue(raw, "loadOnlyInlinedPlugins"),
    plugins: withinBound((plugins ?? []).map(pluginOf)),
  };
}

/** Reads a single plugin (`.conf`, `.json`), which is a network by itself. Throws CniConfigError. Pure. */
export function networkOfOne(text: string): NetworkList {
  const raw = objectOf(text);
  const plugin = pluginOf(raw);
  const none = { disableCheck: false, disableGc: false, loadOnlyInlinedPlugins: true };
  return { ...headOf(raw), ...none, plugins: [plugin] };
}

/** Reads a plugin that is to be added to a network's own. Throws CniConfigError. Pure. */
export function addedPlugin(text: string): PluginConfig {
  return pluginOf(objectOf(text));
}

/** The network with these plugins behind its own. Throws CniConfigError where none or too many are there then. Pure. */
export function withAdded(list: NetworkList, added: readonly PluginConfig[]): NetworkList {
  const plugins = withinBound([...list.plugins, ...added]);
  if (plugins.length === 0) throw new CniConfigError("it has no plugins");
  return { ...list, plugins };
}

function withinBound(plugins: readonly PluginConfig[]): readonly PluginConfig[] {
  if (plugins.length > pluginsMost) throw new CniConfigError(`it has more than ${pluginsMost} plugins`);
  return plugins;
}

function headOf(raw: JsonObject): Pick<NetworkList, "name" | "versions"> {
  const { name, cniVersion = oldestCniVersion, cniVersions: more = [] } = raw;
  if (typeof name !== "string" || !namePattern.test(name))
    throw new CniConfigError("its name is missing, or has other characters than letters, digits, _, . and -");
  if (!Array.isArray(more)) throw new CniConfigError("cniVersions is no list");
  const said = [cniVersion === "" ? oldestCniVersion : cniVersion, ...more];
  const versions = cniVersions.filter((version) => said.includes(version));
  if (versions.length === 0)
    throw new CniConfigError(
      `its CNI version ${JSON.stringify(cniVersion).slice(0, 40)} is none of ${cniVersions.join(", ")}`,
    );
  return { name, versions };
}

function pluginOf(raw: unknown): PluginConfig {
  if (!isObject(raw)) throw new CniConfigError("a plugin is no object");
  const { type, capabilities = {} } = raw;
  if (type === undefined || type === "") throw new CniConfigError("a plugin's type is missing");
  // It becomes a file's name.
  if (typeof type !== "string" || !namePattern.test(type))
    throw new CniConfigError(`type ${JSON.stringify(type).slice(0, 80)} is no name of a plugin`);
  if (!isObject(capabilities)) throw new CniConfigError(`capabilities of ${type} are no object`);
  const wanted = Object.keys(capabilities).filter((name) => capabilities[name] === true);
  return { type, capabilities: wanted, written: raw };
}

function objectOf(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CniConfigError(`it is not JSON: ${error.message.slice(0, 120)}`);
  }
  if (!isObject(value)) throw new CniConfigError("it is no JSON object");
  return value;
}

/** As libcni, which takes it as text, too. */
function isTrue(raw: JsonObject, key: string): boolean {
  const value = Object.hasOwn(raw, key) ? raw[key] : false;
  if (typeof value === "boolean") return value;
  if (value === "true" || value === "false") return value === "true";
  throw new CniConfigError(`${key} is neither true nor false`);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
