import { readFile } from "node:fs/promises";
import type { Clock } from "../base/os/clock.ts";
import { UsageError } from "../base/os/flags.ts";
import type { UsageSource } from "../controlplane/dashboard/server/usage/usage.ts";

export const prometheusFlags = {
  "prometheus-url": {
    kind: "string",
    value: "URL",
    help: "Prometheus that the dashboard's charts come from, up to 7 days back; without it, two hours that it remembers itself",
  },
  "prometheus-ca-file": {
    kind: "string",
    value: "FILE",
    help: "its authority, PEM; without it, those that the system trusts",
  },
  "prometheus-token-file": { kind: "string", value: "FILE", help: "token to show it, over HTTPS" },
} as const;

export interface PrometheusGiven {
  readonly "prometheus-url"?: string | undefined;
  readonly "prometheus-ca-file"?: string | undefined;
  readonly "prometheus-token-file"?: string | undefined;
}

/** What charts come from by these flags; undefined where none is given.
 *  @param prefix Of the flags' names, for what is said of them. */
export async function chartSource(
  given: PrometheusGiven,
  { clock, prefix = "" }: { readonly clock: Clock; readonly prefix?: string },
): Promise<UsageSource | undefined> {
  const { "prometheus-url": url, "prometheus-ca-file": caFile, "prometheus-token-file": tokenFile } = given;
  const flag = (name: keyof typeof prometheusFlags) => `--${prefix}${name}`;
  if (url === undefined) {
    if (caFile !== undefined || tokenFile !== undefined)
      throw new UsageError(`${flag("prometheus-url")}: must be given, too`);
    return undefined;
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new UsageError(`${flag("prometheus-url")}: "${url}" must be an http or https URL`);
  if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "")
    throw new UsageError(`${flag("prometheus-url")}: must have neither user, query nor fragment`);
  const isSecure = parsed.protocol === "https:";
  if (caFile !== undefined && !isSecure)
    throw new UsageError(`${flag("prometheus-ca-file")}: is of no use with an http URL`);
  if (tokenFile !== undefined && !isSecure && !/^(localhost|127\..*|\[::1\])$/.test(parsed.hostname))
    throw new UsageError(
      `${flag("prometheus-token-file")}: a token is shown to another machine over https alone`,
    );
  const read = async (name: keyof typeof prometheusFlags, file: string) => {
    try {
      return await readFile(file, "utf8");
    } catch (error) {
      throw new UsageError(
        `${flag(name)}: cannot read ${file}: ${error instanceof Error ? error.message : error}`,
      );
    }
  };
  if (tokenFile !== undefined) {
    const token = (await read("prometheus-token-file", tokenFile)).trim();
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new UsageError(
        `${flag("prometheus-token-file")}: ${tokenFile} must hold one word of printable ASCII`,
      );
  }
  const caPem = caFile === undefined ? undefined : await read("prometheus-ca-file", caFile);
  const { PrometheusSource } = await import("../controlplane/dashboard/server/usage/prometheus-source.ts");
  return new PrometheusSource({ url: url.replace(/\/+$/, ""), caPem, tokenFile }, clock);
}
