import { UsageError } from "../../base/os/flags.ts";
import { resources } from "../../client/resources.ts";
import { bootstrapTokens } from "../../client/rules/bootstrap-token.ts";
import { command } from "../command.ts";
import { connectionFlags } from "../kubectl/flags.ts";
import { type ShownToken, shownToken } from "./tokens.ts";

export const tokenListCommand = command({
  name: "token list",
  summary: "list the tokens by which machines join, without their secrets",
  flags: connectionFlags,
  examples: ["pintle token list"],
  async run({ flags: given, words }, io) {
    if (words.length > 0) throw new UsageError(`unexpected word "${words[0]}"`);
    const { items } = await io.client(given).list(resources.secrets, {
      namespace: bootstrapTokens.namespace,
      fieldSelector: `type=${bootstrapTokens.secretType}`,
    });
    const tokens = items.flatMap((secret) => shownToken(secret) ?? []);
    if (tokens.length === 0) io.stderr("no tokens; pintle token create makes one\n");
    else io.stdout(tokenTable(tokens, Date.now()));
    return 0;
  },
});

/** Pure. */
export function tokenTable(tokens: readonly ShownToken[], nowMs: number): string {
  const rows = [
    ["ID", "TTL", "ENDS", "USAGES", "DESCRIPTION"],
    ...tokens.map(({ id, endsMs, usages, description }) => [
      id,
      endsMs === undefined ? "forever" : leftText(endsMs - nowMs),
      endsMs === undefined ? "never" : new Date(endsMs).toISOString().replace(/\.\d+Z$/, "Z"),
      usages.join(",") || "none",
      // Whoever wrote it may have meant to draw on the terminal.
      description.replaceAll(/\p{Cc}/gu, "?") || "-",
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

function leftText(ms: number): string {
  if (ms <= 0) return "ended";
  const minutes = Math.floor(ms / 60_000);
  if (minutes >= 120) return `${Math.floor(minutes / 60)}h`;
  return minutes >= 1 ? `${minutes}m` : `${Math.ceil(ms / 1000)}s`;
}
