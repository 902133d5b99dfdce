import { closeSync, readdirSync, readFileSync } from "node:fs";

const closeOnExec = 0o2000000;

/** Closes what this process inherited beyond its standard streams, so that children which outlive it do not hold it: a
 *  pipe that a grandchild keeps open never ends for who reads it. Files of the runtime's own are all closed on exec and
 *  stay; so do those that `words` (the command line) name, as in `--config-file /dev/fd/63`, and the channel to a parent
 *  of the same runtime. To be called before anything is opened. Answers which were closed. */
export function closeInheritedFiles(words: readonly string[], env: NodeJS.ProcessEnv): readonly number[] {
  const named = words.flatMap((word) =>
    [...word.matchAll(/\/(?:dev|proc\/self)\/fd\/(\d+)/g)].map(([, n]) => n),
  );
  const kept = new Set([...named, env.NODE_CHANNEL_FD].map(Number));
  return openFiles()
    .map(Number)
    .filter((number) => number > 2 && !kept.has(number) && isInheritable(number))
    .map((number) => {
      closeSync(number);
      return number;
    });
}

/** Empty where the system does not tell. */
function openFiles(): readonly string[] {
  try {
    return readdirSync("/proc/self/fd");
  } catch (error) {
    if (error instanceof Error && "code" in error) return [];
    throw error;
  }
}

function isInheritable(number: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${number}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch (error) {
    if (error instanceof Error && "code" in error) return false; // the folder that was just read
    throw error;
  }
}
