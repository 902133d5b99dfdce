import type { IpFamily } from "../ip-family.ts";
import { hasProgram, runProgram } from "../programs.ts";
import { readPresentTable } from "./present-tables.ts";
import { type PresentTable, restoreTexts, type TablesChange } from "./restore-text.ts";
import { canaryChain, type TableName, tableNames } from "./table-chains.ts";

/** The kernel's iptables of one family, in this network namespace. */
export interface IptablesTool {
  readonly program: "iptables" | "ip6tables";
  /** What is there of ours. */
  present(): Promise<Readonly<Record<TableName, PresentTable>>>;
  restore(text: string): Promise<void>;
  /** Whether an agent's chains are in each table. */
  hasCanary(): Promise<boolean>;
}

/** So long it waits for other programs that change the same tables. */
const lockSeconds = 10;

export function iptablesTool({ version }: Pick<IpFamily, "version">): IptablesTool {
  const program = version === 4 ? "iptables" : "ip6tables";
  return {
    program,
    async present() {
      const [filter, nat] = [
        await readPresentTable(program, "filter"),
        await readPresentTable(program, "nat"),
      ];
      return { filter, nat };
    },
    async restore(text) {
      if (text === "") return;
      await runProgram(`${program}-restore`, ["--noflush", "-w", `${lockSeconds}`], text);
    },
    async hasCanary() {
      for (const table of tableNames) {
        const args = ["-w", `${lockSeconds}`, "-t", table, "-S", canaryChain];
        try {
          await runProgram(program, args);
        } catch (error) {
          if (error instanceof Error && noChain.test(error.message)) return false;
          throw error;
        }
      }
      return true;
    },
  };
}

/** In the words of iptables of both kinds; the last where a table was never used. */
const noChain = /No chain\/target\/match by that name|does not exist|is incompatible|doesn't exist/;

/** Takes away all that an agent wrote; what others wrote is left. Nothing where no agent did, or the program is missing. */
export async function removeOwnChains(tool: IptablesTool): Promise<void> {
  if (!(await hasProgram(`${tool.program}-save`))) return;
  const present = await tool.present();
  // An agent may have been killed between two tables.
  if (!tableNames.some((table) => present[table].chains.includes(canaryChain))) return;
  const change = (table: TableName) => ({
    chains: [],
    goneChains: present[table].chains,
    goneJumps: present[table].jumps,
    newJumps: [],
  });
  const gone: TablesChange = { filter: change("filter"), nat: change("nat") };
  for (const text of restoreTexts(gone)) await tool.restore(text);
}
