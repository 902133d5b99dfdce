import { nft } from "./nft-text.ts";
import { runProgram } from "./programs.ts";

/** Takes away what an earlier agent left that had IPv6, too: its rules would lead to pods that are gone. */
export async function removeLeftIpv6Tables(): Promise<void> {
  const tables = await runProgram("nft", ["list", "tables"]);
  const left = [...tables.matchAll(/^table ip6 (pintle-[a-z-]+)$/gm)].map(([, name = ""]) => name);
  if (left.length === 0) return;
  const lines = left.map((name) => nft`delete table ip6 ${name}`);
  await runProgram("nft", ["-f", "-"], lines.map(({ text }) => `${text}\n`).join(""));
}
