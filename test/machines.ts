import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const pintle = fileURLToPath(new URL("../bin/pintle", import.meta.url));

/** A machine as far as a kernel can be shared: namespaces of processes, network and mounts of its own, with file systems of its own
 *  where a machine keeps what it runs. All of it goes with its first process. */
export interface Machine {
  readonly name: string;
  readonly address: string;
  /** Starts `pintle WORDS` there. */
  start(words: readonly string[], env?: Readonly<Record<string, string>>): MachineProcess;
  /** Starts another program there. */
  launch(program: string, ...words: readonly string[]): MachineProcess;
  /** Kills all that runs there. */
  killAll(): Promise<void>;
  /** Runs a program there to its end. Rejects with what it said. */
  run(program: string, ...words: readonly string[]): Promise<string>;
  /** Its link to all others. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export interface MachineProcess {
  readonly output: () => string;
  /** Resolves with the exit status, or the signal's name. */
  readonly ended: Promise<number | string>;
  /** Sends it a signal, whatever becomes of it. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it, and waits until it has. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface Machines {
  readonly machines: readonly Machine[];
  stop(): Promise<void>;
}

/** So many machines on one switch, 10.77.0.1 and on. */
export async function startMachines(names: readonly string[]): Promise<Machines> {
  const switchHolder = await hold();
  const holders: Holder[] = [switchHolder];
  const inSwitch = (...words: readonly string[]) =>
    run("nsenter", ["-t", switchHolder.pid, "-n", "--", ...words]);
  const stop = async () => {
    for (const holder of holders.reverse().splice(0)) await holder.end();
  };
  try {
    await inSwitch("ip", "link", "add", "switch", "type", "bridge");
    await inSwitch("ip", "link", "set", "switch", "up");
    const machines: Machine[] = [];
    for (const [at, name] of names.entries()) {
      const holder = await hold();
      holders.push(holder);
      const { pid } = holder;
      const address = `10.77.0.${at + 1}`;
      const port = `port${at + 1}`;
      await inSwitch("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", pid);
      await inSwitch("ip", "link", "set", port, "master", "switch", "up");
      const entered = ["-t", pid, "-n", "-m", "-p", "--"];
      const inside = async (program: string, ...words: readonly string[]) =>
        (await run("nsenter", [...entered, program, ...words])).stdout;
      for (const folder of ["/run", "/var/lib/pintle"]) {
        execFileSync("mkdir", ["-p", folder]);
        await inside("mount", "-t", "tmpfs", "machine", folder);
      }
      await inside("ip", "link", "set", "lo", "up");
      await inside("ip", "addr", "add", `${address}/24`, "dev", "eth0");
      await inside("ip", "link", "set", "eth0", "up");
      await inside("sysctl", "-qw", "net.ipv4.ip_forward=1");
      machines.push({
        name,
        address,
        run: inside,
        start: (words, env = {}) => startThere(entered, [process.execPath, pintle, ...words], env),
        launch: (...command) => startThere(entered, command, {}),
        // The first process is spared, and so is the one that kills.
        killAll: async () => void (await inside("sh", "-c", "kill -KILL -1")),
        cut: async () => void (await inSwitch("ip", "link", "set", port, "down")),
        mend: async () => void (await inSwitch("ip", "link", "set", port, "up")),
      });
    }
    return { machines, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Holder {
  /** As the outside counts. */
  readonly pid: string;
  end(): Promise<void>;
}

/** New namespaces, held by a process that does nothing: the first of its own, with which all others end. */
async function hold(): Promise<Holder> {
  const child = spawn(
    "unshare",
    [
      "--net",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "--mount-proc",
      "sh",
      "-c",
      "echo held; exec sleep infinity",
    ],
    { stdio: ["ignore", "pipe", "ignore"] },
  );
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  const [pid = ""] = execFileSync("pgrep", ["-P", String(child.pid)], { encoding: "utf8" }).split("\n");
  return {
    pid,
    async end() {
      process.kill(Number(pid), "SIGKILL");
      await ended;
    },
  };
}

function startThere(
  entered: readonly string[],
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): MachineProcess {
  const child: ChildProcess = spawn("nsenter", [...entered, ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: "/var/lib/pintle", ...env },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (piece) => {
      output += piece;
    });
  const ended = new Promise<number | string>((resolve) =>
    child.once("close", (code, signal) => resolve(code ?? signal ?? 0)),
  );
  // What it started may have its output yet.
  const gone = once(child, "exit");
  const send = (signal: NodeJS.Signals) => {
    // nsenter forks to enter the namespace of processes: it is its child that is the program.
    const found = execFileSync("pgrep", ["-P", String(child.pid)], { encoding: "utf8" }).trim();
    for (const pid of found.split("\n")) process.kill(Number(pid), signal);
    // It stops with its child, and would not wait for that any more.
    if (signal === "SIGCONT") child.kill(signal);
  };
  return {
    output: () => output,
    ended,
    signal: send,
    async kill(signal) {
      send(signal);
      await gone;
    },
  };
}

/** Why there can be no machines here; undefined where there can. */
export function missingForMachines(): string | undefined {
  if (process.getuid?.() !== 0) return "root";
  for (const program of ["unshare", "nsenter", "ip", "pgrep", "crun", "nft"])
    try {
      execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
    } catch {
      return program;
    }
  return undefined;
}
