/** Where a node has logs. */
export interface LogFolders {
  /** `<namespace>_<name>_<uid>/<container>/<attempt>.log`, which runtimes write to. */
  readonly live: string;
  /** The same tree for what would be gone from there. Of one file system with it. */
  readonly kept: string;
  /** Of components that write files on this machine: `<component>.log`. */
  readonly components: readonly string[];
  /** Audit logs of API servers on this machine. */
  readonly audit: readonly string[];
}

/** Of pods alone; components' are told by flags. */
export type PodLogFolders = Pick<LogFolders, "live" | "kept">;

export const podLogFolders = (live: string): PodLogFolders => ({ live, kept: `${live}-kept` });

export interface PodFolderName {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
}

/** Undefined for what the agent did not name. */
export function readPodFolderName(name: string): PodFolderName | undefined {
  const parts = name.split("_");
  const [namespace = "", pod = "", podUid = ""] = parts;
  const isName = parts.length === 3 && parts.every((part) => part.length > 0 && part.length <= 253);
  return isName ? { namespace, pod, podUid } : undefined;
}
