import type { FileSections, FlagTable, Parsed } from "../base/os/flags.ts";
import type { RestClient } from "../client/rest.ts";

/** What a word may be: one of these texts, a file, or something that a running cluster has: `object` is `KIND NAME` or
 *  `KIND/NAME`, `pod` a pod's name or `KIND/NAME`, `component` a process of the local cluster, `token` the id of one. */
export type WordSource =
  | readonly string[]
  | "component"
  | "file"
  | "node"
  | "none"
  | "object"
  | "pod"
  | "token";

/** One `pintle` subcommand: a value in the table of `main.ts`. */
export interface Command<T extends FlagTable = FlagTable> {
  readonly name: string;
  readonly summary: string;
  /** What follows the name in the usage line, e.g. `KIND [NAME]`. */
  readonly usage?: string;
  /** What its words may be, for shell completion: of each in turn, the last for all further ones. */
  readonly words?: readonly WordSource[];
  readonly flags: T;
  readonly examples: readonly string[];
  /** Flags may also come from the environment under this prefix, e.g. `ETCD_`. */
  readonly envPrefix?: string;
  /** Mappings within a --config-file. */
  readonly fileSections?: FileSections;
  /** Answers the exit status. */
  run(parsed: Parsed<T>, io: CommandIo): Promise<number>;
}

export interface CommandIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly stdin: NodeJS.ReadStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on the first Ctrl-C or SIGTERM; one more after a second ends the process at once. */
  readonly signal: AbortSignal;
  /** A client of the cluster that is chosen, else of the one that $KUBECONFIG or the newest `pintle up` names. */
  readonly client: (choice?: ClusterChoice) => RestClient;
}

/** Which cluster, and as whom: a kubeconfig and one of its contexts; its current one by default. */
export interface ClusterChoice {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** Keeps a table entry's flag types while the table itself forgets them. */
export function command<T extends FlagTable>(definition: Command<T>): Command {
  return definition as unknown as Command;
}

/** Something outside is not as we need it; the message says what and what to do. Exit status 1, no stack. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}
