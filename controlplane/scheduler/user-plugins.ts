import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { UsageError } from "../../base/os/flags.ts";
import { describeError } from "../../base/os/log.ts";
import type { PluginFactory } from "./cycle/handle.ts";
import { pluginFactories } from "./plugins/table.ts";

/** By name, so that it stays a package of its own when this is compiled. */
const compilerPackage: string = ["tsx", "esm", "api"].join("/");

/** Loads plugins that users wrote: modules, in JavaScript or TypeScript, whose `plugins` names factories. Throws UsageError
 *  where a file has none or a name is taken. */
export async function loadUserPlugins(files: readonly string[]): Promise<ReadonlyMap<string, PluginFactory>> {
  const loaded = new Map<string, PluginFactory>();
  for (const file of files) {
    for (const [name, factory] of Object.entries(await pluginsIn(file))) {
      if (typeof factory !== "function")
        throw new UsageError(`--plugins: ${file}: plugins.${name} is not a function`);
      if (loaded.has(name) || Object.hasOwn(pluginFactories, name))
        throw new UsageError(`--plugins: ${file}: there is a plugin ${name} already`);
      loaded.set(name, factory as PluginFactory);
    }
  }
  return loaded;
}

/** Newer Nodes run TypeScript themselves, if it is no more than types. */
const typesAreStripped = (process.features as { readonly typescript?: unknown }).typescript === "strip";

/** Undefined where it is not installed: nobody else needs it. */
async function loadCompiler(): Promise<typeof import("tsx/esm/api") | undefined> {
  try {
    return (await import(compilerPackage)) as typeof import("tsx/esm/api");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

async function pluginsIn(file: string): Promise<object> {
  const url = pathToFileURL(resolve(file)).href;
  const fail = (why: string, cause?: unknown) => new UsageError(`--plugins: ${file}: ${why}`, { cause });
  // TypeScript is compiled as it is loaded; only those who bring some need the compiler.
  const load = async (): Promise<unknown> => {
    if (!/\.[cm]?ts$/.test(file)) return import(url);
    const compiler = await loadCompiler();
    if (compiler !== undefined) return compiler.tsImport(url, import.meta.url);
    if (typesAreStripped) return import(url);
    throw new Error("TypeScript needs `npm install tsx`, or a newer Node");
  };
  const module = await load().catch((error: unknown) => {
    throw fail(`cannot be loaded: ${describeError(error)}`, error);
  });
  const { plugins } = module as { readonly plugins?: unknown };
  if (typeof plugins !== "object" || plugins === null) throw fail("exports no `plugins`");
  return plugins;
}
