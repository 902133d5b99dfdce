import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";
import { type LogFolders, readPodFolderName } from "./folders.ts";
import { type Labels, readLabels } from "./log-labels.ts";
import { compressedName, keptLogName, liveLogName } from "./log-names.ts";

/** Who writes a log. */
export type LogOrigin =
  | {
      readonly kind: "container";
      readonly namespace: string;
      readonly pod: string;
      readonly podUid: string;
      readonly container: string;
      /** How often it had been started before: `attempt` of the runtime. */
      readonly restart: number;
      /** The pod's, as they were when the container started. */
      readonly labels: Labels;
    }
  | { readonly kind: "component"; readonly component: string }
  | { readonly kind: "audit"; readonly component: string };

export interface LogFile {
  readonly path: string;
  /** A file keeps it when it is renamed: what was read of LOG need not be read again of LOG.1. */
  readonly ino: number;
  readonly sizeBytes: number;
  /** When it was last written to. */
  readonly modifiedMs: number;
  /** gzip, in members that begin and end with a line (`block-gzip.ts`). */
  readonly isCompressed: boolean;
}

/** One log, over all the files that it went through. */
export interface LogSource {
  /** The same whenever it is listed: `container/<namespace>/<pod>/<uid>/<container>/<restart>`, `component/<name>` or
   *  `audit/<path>`. */
  readonly id: string;
  readonly origin: LogOrigin;
  /** `cri`: `<RFC 3339> stdout|stderr F|P <text>`; `lines`: as they were written, with the time somewhere in them. */
  readonly format: "cri" | "lines";
  /** The oldest first, each once. Only the last is still written to, and it only where the container runs. */
  readonly files: readonly LogFile[];
}

export interface SourceChoice {
  readonly kinds?: ReadonlySet<LogOrigin["kind"]>;
  /** Folders of other namespaces are not looked into. */
  readonly namespace?: string | undefined;
}

/** All logs of a node, those of pods that are gone too while they are kept. What comes and goes meanwhile may be missing. */
export async function listLogSources(
  folders: LogFolders,
  { kinds, namespace }: SourceChoice = {},
): Promise<LogSource[]> {
  const wanted = (kind: LogOrigin["kind"]) => kinds?.has(kind) ?? true;
  return [
    ...(wanted("container") ? await containerSources(folders, namespace) : []),
    ...(wanted("component") ? await componentSources(folders.components) : []),
    ...(wanted("audit") ? await auditSources(folders.audit) : []),
  ];
}

interface FoundRun {
  readonly folder: string;
  readonly attempt: number;
  readonly files: (LogFile & { readonly rank: number })[];
}

async function containerSources(folders: LogFolders, namespace: string | undefined): Promise<LogSource[]> {
  const [live, kept] = await Promise.all([podFolders(folders.live), podFolders(folders.kept)]);
  const sources: LogSource[] = [];
  for (const podFolder of new Set([...kept, ...live])) {
    const owner = readPodFolderName(podFolder);
    if (owner === undefined || (namespace !== undefined && owner.namespace !== namespace)) continue;
    for (const [container, runs] of await runsOf(podFolder, folders))
      for (const run of runs.values()) {
        const { attempt: restart, files } = run;
        const labels = await readLabels(run.folder, restart);
        sources.push({
          id: `container/${owner.namespace}/${owner.pod}/${owner.podUid}/${container}/${restart}`,
          origin: { kind: "container", ...owner, container, restart, labels },
          format: "cri",
          files: inOrder(files),
        });
      }
  }
  return sources;
}

async function podFolders(folder: string): Promise<string[]> {
  return (await ifPresent(readdir(folder))) ?? [];
}

/** By container and attempt. What is live is looked for first: a file on its way to what is kept is found twice, not never. */
async function runsOf(podFolder: string, folders: LogFolders): Promise<Map<string, Map<number, FoundRun>>> {
  const found = new Map<string, Map<number, FoundRun>>();
  for (const [root, isKept] of [
    [folders.live, false],
    [folders.kept, true],
  ] as const)
    for (const container of (await ifPresent(readdir(join(root, podFolder)))) ?? []) {
      const folder = join(root, podFolder, container);
      for (const name of (await ifPresent(readdir(folder))) ?? []) {
        const about = isKept ? keptName(name) : liveName(name);
        if (about === undefined) continue;
        const file = await logFile(join(folder, name));
        if (file === undefined) continue;
        const runs = found.get(container) ?? new Map<number, FoundRun>();
        found.set(container, runs);
        const run = runs.get(about.attempt) ?? { folder, attempt: about.attempt, files: [] };
        runs.set(about.attempt, run);
        run.files.push({ ...file, rank: about.rank });
      }
    }
  return found;
}

/** `3.log` is the last of its run, `3.log.2` was written before `3.log.1`. */
function liveName(name: string): { readonly attempt: number; readonly rank: number } | undefined {
  const found = liveLogName.exec(name);
  return found === null ? undefined : { attempt: Number(found[1]), rank: -Number(found[2] ?? 0) };
}

/** `3.log.i4711` as it was, `3.log.1790000000000-4711.gz` compressed (`keep-logs.ts`). Written before all that is live. */
function keptName(name: string): { readonly attempt: number; readonly rank: number } | undefined {
  const found = keptLogName.exec(name);
  return found === null ? undefined : { attempt: Number(found[1]), rank: Number.NEGATIVE_INFINITY };
}

function inOrder(files: readonly (LogFile & { readonly rank: number })[]): LogFile[] {
  const sorted = [...files].sort((a, b) =>
    a.rank === b.rank ? a.modifiedMs - b.modifiedMs : a.rank < b.rank ? -1 : 1,
  );
  const seen = new Set<number>();
  const names = new Set(files.map(({ path }) => basename(path)));
  // A file that is both live and kept is one; the live name, which comes later, is the one that goes first.
  const once: LogFile[] = [];
  for (const { rank, ...file } of sorted.reverse()) {
    // Compressed by now, and not yet removed.
    const isKept = keptLogName.test(basename(file.path)) && !file.isCompressed;
    const isTwice = isKept && names.has(compressedName(file) ?? "");
    if (seen.has(file.ino) || isTwice) continue;
    seen.add(file.ino);
    once.push(file);
  }
  return once.reverse();
}

async function componentSources(folders: readonly string[]): Promise<LogSource[]> {
  const sources: LogSource[] = [];
  for (const folder of folders) {
    const names = ((await ifPresent(readdir(folder))) ?? []).filter((name) => name.endsWith(".log"));
    const live = names.filter((name) => asideOf(name) === undefined);
    for (const name of live) {
      const component = basename(name, ".log");
      const files = await filesOf(
        folder,
        names.filter((one) => one === name || asideOf(one) === component),
      );
      if (files.length === 0) continue;
      sources.push({
        id: `component/${component}`,
        origin: { kind: "component", component },
        format: "lines",
        files,
      });
    }
  }
  return sources;
}

async function auditSources(paths: readonly string[]): Promise<LogSource[]> {
  const sources: LogSource[] = [];
  for (const path of paths) {
    const folder = join(path, "..");
    const name = basename(path);
    const stem = basename(path, ".log");
    const names = ((await ifPresent(readdir(folder))) ?? []).filter(
      (one) => one === name || asideOf(one) === stem,
    );
    const files = await filesOf(folder, names);
    if (files.length > 0)
      sources.push({
        id: `audit/${path}`,
        origin: { kind: "audit", component: stem },
        format: "lines",
        files,
      });
  }
  return sources;
}

/** What a file was called before it was put aside as `NAME-2006-01-02T15-04-05.000.log`, without the end. */
function asideOf(name: string): string | undefined {
  return /^(.+)-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.log$/.exec(name)?.[1];
}

/** Put aside names sort as their times do, and before the one that is written to. */
async function filesOf(folder: string, names: readonly string[]): Promise<LogFile[]> {
  const files: LogFile[] = [];
  const aside = (name: string) => (asideOf(name) === undefined ? 1 : 0);
  for (const name of [...names].sort((a, b) => aside(a) - aside(b) || (a < b ? -1 : 1))) {
    const file = await logFile(join(folder, name));
    if (file !== undefined) files.push(file);
  }
  return files;
}

async function logFile(path: string): Promise<LogFile | undefined> {
  const about: Stats | undefined = await ifPresent(lstat(path));
  if (about === undefined || !about.isFile()) return undefined;
  return {
    path,
    ino: about.ino,
    sizeBytes: about.size,
    modifiedMs: about.mtimeMs,
    isCompressed: path.endsWith(".gz"),
  };
}
