import { systemClock } from "../base/os/clock.ts";
import { systemDisk } from "../base/os/disk.ts";
import { type FlagTable, type FlagValues, UsageError } from "../base/os/flags.ts";
import { closeInheritedFiles } from "../base/os/inherited-files.ts";
import { createLog, type Level } from "../base/os/log.ts";
import { MetricsRegistry } from "../base/os/metrics.ts";
import type { Os, Running } from "../base/os/os.ts";
import { systemRandom } from "../base/os/random.ts";
import { settleMemory } from "../base/os/settle-memory.ts";
import { type Command, type CommandIo, command, OperatorError } from "./command.ts";

/** What every component's command shares: settings of its own process, a run until stopped, an orderly end. */
export const processFlags = {
  "log-level": {
    kind: "string",
    default: "info",
    choices: ["debug", "info", "warn", "error"],
    help: "debug, info, warn or error",
  },
  "log-format": { kind: "string", default: "text", choices: ["text", "json"], help: "text or json" },
  "config-file": { kind: "string", value: "FILE", help: "YAML with the same names as these flags" },
} as const satisfies FlagTable;

/** How a component was called. */
export interface ComponentCall {
  /** Asks for the process's end, which may come before it has begun. */
  readonly signal: AbortSignal;
  /** Names of the flags that somebody gave. */
  readonly given: ReadonlySet<string>;
}

export interface Component<T extends FlagTable> {
  readonly name: string;
  readonly summary: string;
  readonly flags: T;
  readonly examples: readonly string[];
  readonly start: (flags: FlagValues<T>, os: Os, call: ComponentCall) => Promise<Running>;
}

export function componentCommand<const T extends FlagTable>(component: Component<T>): Command {
  const flags = { ...component.flags, ...processFlags } as T & typeof processFlags;
  return command<T & typeof processFlags>({
    name: component.name,
    summary: component.summary,
    flags,
    envPrefix: "PINTLE_",
    examples: component.examples,
    async run({ flags: given, words, given: names }, io) {
      if (words.length > 0) throw new UsageError(`unexpected word "${words[0]}"`);
      const settings = given as FlagValues<typeof processFlags>;
      closeInheritedFiles(process.argv, process.env);
      const os = systemOs(settings["log-level"], settings["log-format"]);
      const call = { signal: io.signal, given: names };
      return await untilStopped(await component.start(given as FlagValues<T>, os, call), io);
    },
  });
}

/** The real doors to the outside. */
export function systemOs(level: string, format: string, write?: (line: string) => void): Os {
  if (!["debug", "info", "warn", "error"].includes(level))
    throw new OperatorError(`--log-level: "${level}" must be debug, info, warn or error`);
  if (format !== "text" && format !== "json" && format !== "console")
    throw new OperatorError(`--log-format: "${format}" must be text or json`);
  const metrics = new MetricsRegistry();
  metrics.addProcessMetrics();
  return {
    clock: systemClock,
    random: systemRandom,
    disk: systemDisk,
    log: createLog({ level: level as Level, format, ...(write && { write }) }),
    metrics,
  };
}

/** Runs until the component ends by itself (a failure) or somebody asks for its end. */
export async function untilStopped(running: Running, io: Pick<CommandIo, "signal">): Promise<number> {
  const asked = new Promise<void>((resolve) => {
    if (io.signal.aborted) resolve();
    else io.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  const letBe = settleMemory(systemClock);
  try {
    await Promise.race([asked, running.done]); // both live as long as the process: nothing to leak
  } finally {
    letBe();
    const { aborted, reason } = io.signal;
    await running.stop(aborted && reason instanceof Error ? reason.message : undefined);
  }
  await running.done;
  return 0;
}
