import { resolve } from "node:path";
import { UsageError } from "../../base/os/flags.ts";
import { customMetricsFlags } from "../../controlplane/apiserver/custommetrics/flag-table.ts";

/** As the API servers have them. */
export const upMetricsFlags = customMetricsFlags;

type Given = { readonly [K in keyof typeof customMetricsFlags]: string | undefined };

const names = Object.keys(customMetricsFlags) as (keyof typeof customMetricsFlags)[];

/** What of it the API servers are told, files by their whole paths; undefined where nothing is said, so that what was said before
 *  holds. Throws UsageError for what they would refuse. */
export async function customMetricsWords(
  given: Given,
  said: ReadonlySet<string>,
  folder: string,
): Promise<readonly string[] | undefined> {
  if (!names.some((name) => said.has(name))) return undefined;
  const flags = Object.fromEntries(
    names.map((name) => {
      const value = given[name] || undefined;
      return [name, value !== undefined && name !== "prometheus-url" ? resolve(folder, value) : value];
    }),
  ) as Given;
  const { customMetricsConfig } = await import("../../controlplane/apiserver/custommetrics/flags.ts");
  const problems: string[] = [];
  customMetricsConfig(flags, problems);
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return names.flatMap((name) => (flags[name] === undefined ? [] : [`--${name}=${flags[name]}`]));
}
