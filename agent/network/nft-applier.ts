import { type IpFamily, ipFamilies } from "./ip-family.ts";
import type { LiveRuleset } from "./live-ruleset.ts";
import { encodeChange } from "./nfnetlink/encode-change.ts";
import type { NftSocket } from "./nfnetlink/nft-socket.ts";
import {
  changeText,
  type ElementMap,
  type ElementSet,
  emptyChange,
  emptyRuleset,
  isEmpty,
  type Ruleset,
  type RulesetChange,
  rulesetChange,
} from "./nft-ruleset.ts";
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
  { ip, version }: IpFamily = ipFamilies[4],
  socket?: NftSocket,
): LiveApplier & Pick<RulesetApplier, "check"> {
  const table = tableOf(nft`${ip} ${name}`);
  /** What the kernel has: a predecessor's, or one that it refused to change; none; ours as last told. */
  let state: "unknown" | "none" | "ours" = "unknown";

  async function change(changed: RulesetChange): Promise<void> {
    const encoded = socket?.isUsable === true ? encodeChange({ version, name }, changed) : undefined;
    if (socket !== undefined && encoded !== undefined) await socket.commit(encoded);
    else await table.run(changeText(table.name, changed));
  }

  /** As one transaction where there may be a table already, whose Services go on being served until then. */
  async function replace(whole: Ruleset, isNone: boolean): Promise<void> {
    if (socket?.isUsable !== true || !(isNone || (await isAbsent(socket)))) {
      await table.run(table.fresh + rulesetChange(table.name, emptyRuleset, whole));
      return;
    }
    const { structure, fillings } = inParts(whole);
    await table.run(table.fresh + rulesetChange(table.name, emptyRuleset, structure));
    for (const filling of fillings) await change(filling);
  }

  async function isAbsent(known: NftSocket): Promise<boolean> {
    try {
      return !(await known.hasTable({ version, name }));
    } catch (error) {
      if (error instanceof Error) return false; // nft will say what there is
      throw error;
    }
  }

  return {
    flush: () =>
      table.inTurn(async () => {
        const before = state;
        if (before === "ours") {
          const changed = live.takeChange();
          if (isEmpty(changed)) return;
          state = "unknown"; // begin anew next time where this fails
          await change(changed);
        } else {
          live.forgetChange();
          state = "unknown";
          await replace(live.whole(), before === "none");
        }
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

/** A table without elements, and changes that put them in. */
function inParts(whole: Ruleset): {
  readonly structure: Ruleset;
  readonly fillings: readonly RulesetChange[];
} {
  const emptied = <T extends ElementMap | ElementSet>(containers: Readonly<Record<string, T>>) =>
    Object.fromEntries(
      Object.entries(containers).map(([name, one]) => [
        name,
        isFillable(one) ? { ...one, elements: [] } : one,
      ]),
    );
  // Those that were made last first: what leads to them stands in those that were always there.
  const containers = [...Object.entries(whole.sets), ...Object.entries(whole.maps)].reverse();
  const fillings = containers.flatMap(([name, { fields, elements = [] }]) => {
    const all = elements.map((one) => ("key" in one ? nft`${one.key} : ${one.value}` : one));
    return fields === undefined ? [] : inSlices(all).map((some) => ({ name, fields, elements: some }));
  });
  return {
    structure: { chains: whole.chains, maps: emptied(whole.maps), sets: emptied(whole.sets) },
    fillings: fillings.map((one) => ({ ...emptyChange, freshElements: [one] })),
  };
}

const isFillable = ({ fields }: ElementMap | ElementSet): boolean => fields !== undefined;

/** What one message to the kernel may hold is bounded. */
const fillingMax = 20_000;

function inSlices<T>(list: readonly T[]): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / fillingMax) }, (_, n) =>
    list.slice(n * fillingMax, (n + 1) * fillingMax),
  );
}

/** The kernel has no such table any more, whoever made it. */
export async function removeTable(name: string, { ip }: IpFamily): Promise<void> {
  const table = tableOf(nft`${ip} ${name}`);
  await table.run(table.removal);
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
