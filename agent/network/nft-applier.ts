import { type IpFamily, ipFamilies } from "./ip-family.ts";
import type { LiveRuleset } from "./live-ruleset.ts";
import { changeText, emptyRuleset, type Ruleset, rulesetChange } from "./nft-ruleset.ts";
import { type NftText, nft } from "./nft-text.ts";
import { runProgram } from "./programs.ts";

/** Keeps one table of the kernel equal to the newest ruleset handed in. Calls queue up; the kernel takes each change whole
 *  or not at all. */
export interface RulesetApplier {
  apply(ruleset: Ruleset): Promise<void>;
  /** Whether the kernel would take this ruleset by itself; rejects with its words where it would not. */
  check(ruleset: Ruleset): Promise<void>;
  remove(): Promise<void>;
}

export function openApplier(name: string, { ip }: IpFamily = ipFamilies[4]): RulesetApplier {
  const table = tableOf(nft`${ip} ${name}`);
  let current: Ruleset | undefined;
  return {
    apply: (ruleset) =>
      table.inTurn(async () => {
        const change = rulesetChange(table.name, current ?? emptyRuleset, ruleset);
        if (current !== undefined && change === "") return;
        try {
          await table.run(current === undefined ? table.fresh + change : change);
          current = ruleset;
        } catch (error) {
          current = undefined; // begin anew next time
          throw error;
        }
      }),
    check: table.check,
    remove: () =>
      table.inTurn(async () => {
        await table.run(table.removal);
        current = undefined;
      }),
  };
}

/** Keeps one table of the kernel equal to a ruleset that changes bit by bit. */
export interface LiveApplier {
  /** Resolves once the kernel has all that the ruleset held at the call. */
  flush(): Promise<void>;
  /** The kernel has no such table any more. */
  remove(): Promise<void>;
}

export function openLiveApplier(
  name: string,
  live: LiveRuleset,
  { ip }: IpFamily = ipFamilies[4],
): LiveApplier & Pick<RulesetApplier, "check"> {
  const table = tableOf(nft`${ip} ${name}`);
  /** What the kernel has: a predecessor's, or one that it refused to change; none; ours as last told. */
  let state: "unknown" | "none" | "ours" = "unknown";
  return {
    flush: () =>
      table.inTurn(async () => {
        const change = changeText(table.name, live.takeChange());
        if (state === "ours" && change === "") return;
        const isOurs = state === "ours";
        state = "unknown"; // begin anew next time where this fails
        await table.run(
          isOurs ? change : table.fresh + rulesetChange(table.name, emptyRuleset, live.whole()),
        );
        state = "ours";
      }),
    check: table.check,
    remove: () =>
      table.inTurn(async () => {
        if (state === "none") return;
        await table.run(table.removal);
        state = "none";
      }),
  };
}

/** One table of the kernel, and the queue of those who change it. */
interface KernelTable {
  /** `family name` */
  readonly name: NftText;
  /** What a predecessor left is unknown: begins with an empty table. */
  readonly fresh: string;
  readonly removal: string;
  inTurn(work: () => Promise<void>): Promise<void>;
  run(commands: string): Promise<void>;
  check(ruleset: Ruleset): Promise<void>;
}

function tableOf(name: NftText): KernelTable {
  let queue: Promise<void> = Promise.resolve();
  const removal = nft`add table ${name}\ndelete table ${name}\n`.text;
  const fresh = `${removal}${nft`add table ${name}\n`.text}`;
  return {
    name,
    fresh,
    removal,
    inTurn(work) {
      const done = queue.then(work);
      queue = done.then(
        () => undefined,
        () => undefined, // the caller hears of it through `done`; the next in line goes on
      );
      return done;
    },
    async run(commands) {
      await runProgram("nft", ["-f", "-"], commands);
    },
    async check(ruleset) {
      await runProgram("nft", ["-c", "-f", "-"], fresh + rulesetChange(name, emptyRuleset, ruleset));
    },
  };
}
