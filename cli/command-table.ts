import type { Command } from "./command.ts";

/** A subcommand and how its code is got. */
export interface Row {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

const row = (name: string, summary: string, load: () => Promise<Command>): Row => ({ name, summary, load });

/** Rows by the heading that they stand under. */
export type CommandGroups = Readonly<Record<string, readonly Row[]>>;

/** Every subcommand, by group. Each is loaded only when it is called: starting fast is part of the product. */
export const commandGroups: CommandGroups = {
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
    row(
      "doctor",
      "check this machine and the cluster",
      async () => (await import("./doctor/doctor.ts")).doctorCommand,
    ),
    row(
      "support",
      "collect what a supporter needs, without secrets",
      async () => (await import("./support/support.ts")).supportCommand,
    ),
    row("top", "show what nodes or pods use", async () => (await import("./kubectl/top.ts")).topCommand),
    row(
      "dashboard",
      "serve a dashboard to look at and work with in a browser",
      async () => (await import("./dashboard.ts")).dashboardCommand,
    ),
    row(
      "ui",
      "look at a cluster in the terminal, with the keys of k9s",
      async () => (await import("./ui/ui.ts")).uiCommand,
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
  "Use the command line": [
    row(
      "version",
      "show our version, and those of the APIs that are served",
      async () => (await import("./version.ts")).versionCommand,
    ),
    row(
      "completion",
      "teach bash, zsh or fish to complete commands and names",
      async () => (await import("./completion/completion-command.ts")).completionCommand,
    ),
  ],
};

export const rowsOf = (groups: CommandGroups): readonly Row[] => Object.values(groups).flat();

/** The row whose name, of one word or more, the arguments begin with; the longest such. */
export function findRow(groups: CommandGroups, argv: readonly string[]): Row | undefined {
  return rowsOf(groups)
    .filter(({ name }) => name.split(" ").every((word, at) => argv[at] === word))
    .sort((a, b) => b.name.length - a.name.length)[0];
}

/** The rows whose names go on after these words, such as all of `pintle token`. */
export function rowsBelow(groups: CommandGroups, words: readonly string[]): readonly Row[] {
  return rowsOf(groups).filter(({ name }) => {
    const parts = name.split(" ");
    return parts.length > words.length && words.every((word, at) => parts[at] === word);
  });
}
