import { execFile } from "node:child_process";
import { delimiter } from "node:path";

export interface Ended {
  readonly status: number;
  /** What it wrote, to standard output and standard error alike. */
  readonly output: string;
  readonly stdout: string;
}

/** What npm, mocha and node tell the programs that they start would change how these run. */
const inherited =
  /^(npm_(?!config_)|npm_config_(.*prefix|user_agent|node_gyp|loglevel|ignore_scripts)$|NODE_|MOCHA_|PINTLE_|INIT_CWD$|FORCE_COLOR$)/i;

/** Runs a program in a folder as somebody there would have started it, with the Node in `nodeFolder` first in the path.
 *  Rejects where it cannot be started or takes longer than `limitMs`. */
export function run(
  [program = "", ...words]: readonly string[],
  {
    cwd,
    nodeFolder,
    temporary,
    limitMs = 120_000,
  }: {
    readonly cwd: string;
    readonly nodeFolder?: string;
    /** Where it puts what it does not clean up, such as the caches of runners. */
    readonly temporary?: string;
    readonly limitMs?: number;
  },
): Promise<Ended> {
  const kept = Object.entries(process.env).filter(([name]) => !inherited.test(name));
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(kept),
    npm_config_update_notifier: "false",
    NO_COLOR: "1",
    ...(temporary !== undefined && { TMPDIR: temporary }),
  };
  if (nodeFolder !== undefined) env.PATH = `${nodeFolder}${delimiter}${env.PATH}`;
  const options = { cwd, env, timeout: limitMs, killSignal: "SIGKILL", maxBuffer: 2 ** 26 } as const;
  return new Promise((resolve, reject) => {
    execFile(program, words, options, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === "number") resolve({ status, stdout, output: `${stdout}${stderr}` });
      else reject(new Error(`${program} ${words.join(" ")}: ${error}\n${stdout}${stderr}`, { cause: error }));
    });
  });
}

/** As `run`, and rejects with what it wrote where it fails. */
export async function succeed(words: readonly string[], where: Parameters<typeof run>[1]): Promise<Ended> {
  const ended = await run(words, where);
  if (ended.status === 0) return ended;
  throw new Error(`${words.join(" ")} ended with ${ended.status}:\n${ended.output}`);
}
