import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { PresentTable } from "./restore-text.ts";
import { isOwnChain, type TableName } from "./table-chains.ts";

/** What `iptables-save` shows of ours in a table: line by line, for all of it may be large. */
export async function readPresentTable(program: string, table: TableName): Promise<PresentTable> {
  const child = spawn(`${program}-save`, ["-t", table], { stdio: ["ignore", "pipe", "pipe"] });
  const exited = once(child, "exit");
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, 4096);
  });
  const reader = new PresentReader();
  for await (const line of createInterface({ input: child.stdout })) reader.read(line);
  const [code] = await exited;
  if (code !== 0) throw new Error(`${program}-save -t ${table}: ${said.trim() || `ended with ${code}`}`);
  return reader;
}

/** Pure. */
export class PresentReader implements PresentTable {
  readonly chains: string[] = [];
  readonly jumps: string[] = [];

  read(line: string): void {
    const [, declared = ""] = /^:(\S+) /.exec(line) ?? [];
    if (isOwnChain(declared)) this.chains.push(declared);
    const [, rule = "", to = ""] =
      /^-A ((?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) .*-[jg] (\S+))$/.exec(line) ?? [];
    if (isOwnChain(to)) this.jumps.push(rule);
  }
}
