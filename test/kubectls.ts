import { execFileSync } from "node:child_process";
import { readdirSync, realpathSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";

/** A kubectl of this machine. */
export interface Kubectl {
  readonly program: string;
  /** 35 of 1.35. */
  readonly minor: number;
}

/** The oldest one that the suites speak for. */
const oldestMinor = 27;

/** Those that the suites run with: the oldest, the newest, and the one called without a path, of all that lie in the folders
 *  of PATH or beside that one (`kubectl`, `kubectl-1.27`, `kubectl.1.27`). PINTLE_KUBECTLS names others: paths, with colons
 *  between. */
export function kubectls(): readonly Kubectl[] {
  const named = process.env.PINTLE_KUBECTLS?.split(delimiter);
  if (named !== undefined) return named.flatMap((program) => versioned(program) ?? []);
  const programs = (process.env.PATH ?? "").split(delimiter).flatMap(kubectlsIn);
  const first = programs.find((program) => basename(program) === "kubectl");
  const beside = first === undefined ? [] : kubectlsIn(dirname(realpathSync(first)));
  const own = first === undefined ? undefined : versioned(first);
  const byMinor = new Map(own === undefined ? [] : [[own.minor, own]]);
  for (const program of [...programs, ...beside]) {
    const found = versioned(program);
    if (found !== undefined && found.minor >= oldestMinor) byMinor.set(found.minor, found);
  }
  const minors = [...byMinor.keys()].sort((one, other) => one - other);
  const wanted = new Set([minors[0], own?.minor, minors.at(-1)]);
  return [...byMinor.values()]
    .filter(({ minor }) => wanted.has(minor))
    .sort((one, other) => one.minor - other.minor);
}

function kubectlsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^kubectl([.-]v?1\.\d+)?$/.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    // PATH may name folders that are not there.
    return [];
  }
}

/** `undefined` for a program that does not say its version. */
function versioned(program: string): Kubectl | undefined {
  try {
    const text = execFileSync(program, ["version", "--client", "-o", "json"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const minor = Number.parseInt(JSON.parse(text).clientVersion.minor, 10);
    return Number.isNaN(minor) ? undefined : { program, minor };
  } catch {
    return undefined;
  }
}

/** The suite once with each of them; without any it is pending, and says so. */
export function eachKubectl(title: string, suite: (kubectl: Kubectl) => void): void {
  const all = kubectls();
  if (all.length === 0) describe(title, () => it.skip("there is no kubectl (PINTLE_KUBECTLS names some)"));
  for (const kubectl of all)
    describe(`${title}, kubectl 1.${kubectl.minor}`, function () {
      this.timeout(300_000);
      suite(kubectl);
    });
}
