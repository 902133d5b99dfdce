import { existsSync } from "node:fs";
import { flagHelp, parseFlags, UsageError } from "../base/os/flags.ts";
import { describeError } from "../base/os/log.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import { RestClient } from "../client/rest.ts";
import { type Command, type CommandIo, OperatorError } from "./command.ts";
import { processIo } from "./process-io.ts";
import { clusterLayout, defaultFolder, serverFolder } from "./up/layout.ts";

interface Row {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const row = (name: string, summary: string, load: () => Promise<Command>): Row => ({ name, summary, load });

/** Every subcommand, by group. Each is loaded only when it is called: starting fast is part of the product. */
const groups: Readonly<Record<string, readonly Row[]>> = {
  "Run a cluster": [
    row(
      "up",
      "start a local cluster and keep it running",
      async () => (await import("./up/up.ts")).upCommand,
    ),
    row("down", "stop the local cluster", async () => (await import("./up/down.ts")).downCommand),
    row(
      "status",
      "show who runs, who leads, health and memory",
      async () => (await import("./up/status.ts")).statusCommand,
    ),
    row(
      "kill",
      "kill -9 a component, to try failure by hand",
      async () => (await import("./up/kill.ts")).killCommand,
    ),
  ],
  "Run it on several machines": [
    row(
      "token create",
      "make a token by which machines join",
      async () => (await import("./machines/token-create.ts")).tokenCreateCommand,
    ),
    row(
      "token list",
      "list such tokens",
      async () => (await import("./machines/token-list.ts")).tokenListCommand,
    ),
    row(
      "token delete",
      "take such tokens back",
      async () => (await import("./machines/token-delete.ts")).tokenDeleteCommand,
    ),
    row(
      "node remove",
      "take a node out of the cluster",
      async () => (await import("./machines/node-remove.ts")).nodeRemoveCommand,
    ),
    row(
      "install",
      "have systemd run a server or an agent",
      async () => (await import("./machines/install.ts")).installCommand,
    ),
    row("uninstall", "undo that", async () => (await import("./machines/uninstall.ts")).uninstallCommand),
  ],
  "Work with a cluster": [
    row("get", "show objects", async () => (await import("./kubectl/get.ts")).getCommand),
    row(
      "describe",
      "show objects in words, with their events",
      async () => (await import("./kubectl/describe.ts")).describeCommand,
    ),
    row(
      "apply",
      "make the cluster hold what files say",
      async () => (await import("./kubectl/apply.ts")).applyCommand,
    ),
    row("delete", "delete objects", async () => (await import("./kubectl/delete.ts")).deleteCommand),
    row(
      "why",
      "say why something does not run, and what to do",
      async () => (await import("./why/why.ts")).whyCommand,
    ),
    row("logs", "show a container's output", async () => (await import("./kubectl/logs.ts")).logsCommand),
    row("exec", "run a command in a container", async () => (await import("./kubectl/exec.ts")).execCommand),
    row("scale", "set the number of replicas", async () => (await import("./kubectl/scale.ts")).scaleCommand),
    row(
      "rollout",
      "watch, list, undo or restart rollouts",
      async () => (await import("./kubectl/rollout.ts")).rolloutCommand,
    ),
  ],
  "Run one component": [
    row(
      "server",
      "run a whole control-plane replica in one process",
      async () => (await import("./server.ts")).serverCommand,
    ),
    row(
      "store",
      "run one member of the replicated store (etcd's flags and API)",
      async () => (await import("./store.ts")).storeCommand,
    ),
    row(
      "apiserver",
      "serve the Kubernetes API",
      async () => (await import("./apiserver.ts")).apiserverCommand,
    ),
    row("scheduler", "place pods on nodes", async () => (await import("./scheduler.ts")).schedulerCommand),
    row(
      "controller-manager",
      "run the controllers",
      async () => (await import("./controller-manager.ts")).controllerManagerCommand,
    ),
    row("agent", "run a node", async () => (await import("./agent.ts")).agentCommand),
    row(
      "csi local-path",
      "serve folders of this node as volumes to any cluster (a CSI driver)",
      async () => (await import("./csi-local-path.ts")).csiLocalPathCommand,
    ),
    row("image", "import and list images of a node", async () => (await import("./image.ts")).imageCommand),
  ],
  "Look after the store": [
    row(
      "store snapshot save",
      "write a running member's whole state into a file",
      async () => (await import("./store/snapshot-save.ts")).snapshotSaveCommand,
    ),
    row(
      "store snapshot status",
      "check a snapshot and say what is in it",
      async () => (await import("./store/snapshot-status.ts")).snapshotStatusCommand,
    ),
    row(
      "store restore",
      "make a member's data directory of a snapshot",
      async () => (await import("./store/restore.ts")).restoreCommand,
    ),
    row(
      "store migrate",
      "make a member's data directory of a stopped etcd's",
      async () => (await import("./store/migrate.ts")).migrateCommand,
    ),
    row(
      "store check",
      "verify everything that a stopped member has on disk",
      async () => (await import("./store/check.ts")).checkCommand,
    ),
    row(
      "store hash",
      "HashKV of running members or of a stopped one's files",
      async () => (await import("./store/hash.ts")).hashCommand,
    ),
    row(
      "store dump-log",
      "show what is in a member's write-ahead log",
      async () => (await import("./store/dump-log.ts")).dumpLogCommand,
    ),
    row(
      "store compact",
      "drop the history before a revision",
      async () => (await import("./store/compact.ts")).compactCommand,
    ),
    row(
      "store bench",
      "put a small load on members and say how fast they answer",
      async () => (await import("./store/bench.ts")).benchCommand,
    ),
  ],
};

/** $KUBECONFIG, else that of the local cluster or of this machine's server where there is one, else kubectl's default. */
function kubeconfigPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (env.KUBECONFIG) return undefined;
  const folders = [defaultFolder(undefined, env), serverFolder];
  return folders.map((folder) => clusterLayout(folder).kubeconfig).find((file) => existsSync(file));
}

/** The whole command line program; sets the exit status. */
export async function main(argv: readonly string[]): Promise<void> {
  const client = () => new RestClient(loadKubeconfig(kubeconfigPath(process.env)), { userAgent: "pintle" });
  process.exitCode = await run(argv, processIo(client));
}

async function run(argv: readonly string[], io: CommandIo): Promise<number> {
  const [first] = argv;
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    io.stdout(overview());
    return first === undefined ? 2 : 0;
  }
  const found = rowOf(argv);
  if (found === undefined) {
    io.stderr(`pintle: unknown command "${first}"; see "pintle help"\n`);
    return 2;
  }
  const { name } = found;
  const rest = argv.slice(name.split(" ").length);
  try {
    const command = await found.load();
    const separator = rest.indexOf("--");
    if (
      rest.slice(0, separator < 0 ? undefined : separator).some((word) => word === "--help" || word === "-h")
    ) {
      io.stdout(commandHelp(command));
      return 0;
    }
    const sources = {
      env: io.env,
      ...(command.envPrefix === undefined ? {} : { envPrefix: command.envPrefix }),
      ...(command.fileSections && { fileSections: command.fileSections }),
    };
    return await command.run(parseFlags(command.flags, rest, sources), io);
  } catch (error) {
    return report(name, error, io);
  }
}

/** The row whose name, of one word or more, the arguments begin with; the longest such. */
function rowOf(argv: readonly string[]): Row | undefined {
  const all = Object.values(groups).flat();
  return all
    .filter(({ name }) => name.split(" ").every((word, at) => argv[at] === word))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

function report(name: string, error: unknown, io: CommandIo): number {
  if (error instanceof Error && "code" in error && error.code === "ENOSPC") {
    const where = "path" in error ? ` (${error.path})` : "";
    io.stderr(
      `pintle ${name}: the disk is full${where}; free some space, or choose a folder on another disk with --data-dir\n`,
    );
    return 1;
  }
  if (error instanceof UsageError) {
    io.stderr(`pintle ${name}: ${error.message}\n  see "pintle ${name} --help"\n`);
    return 2;
  }
  if (error instanceof OperatorError || (error instanceof Error && "operator" in error)) {
    io.stderr(`pintle ${name}: ${describeError(error)}\n`);
    return 1;
  }
  io.stderr(
    `pintle ${name}: ${error instanceof Error ? (io.env.PINTLE_DEBUG ? error.stack : describeError(error)) : error}\n`,
  );
  return 1;
}

function overview(): string {
  const width =
    Math.max(
      ...Object.values(groups)
        .flat()
        .map((entry) => entry.name.length),
    ) + 2;
  const body = Object.entries(groups)
    .map(
      ([title, rows]) =>
        `${title}:\n${rows.map((entry) => `  ${entry.name.padEnd(width)}${entry.summary}`).join("\n")}\n`,
    )
    .join("\n");
  return `pintle - a Kubernetes-compatible cluster on its own etcd-compatible store\n\n${body}\n"pintle COMMAND --help" shows a command's flags and examples.\n`;
}

function commandHelp(command: Command): string {
  const flags = Object.keys(command.flags).length === 0 ? "" : `\nFlags:\n${flagHelp(command.flags)}\n`;
  const examples = command.examples.map((example) => `  ${example}`).join("\n");
  const usage = `pintle ${command.name}${command.usage === undefined ? "" : ` ${command.usage}`}`;
  return `${usage}\n  ${command.summary}\n${flags}${examples === "" ? "" : `\nExamples:\n${examples}\n`}`;
}
