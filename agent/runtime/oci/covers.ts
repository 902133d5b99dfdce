import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { shimPath } from "../supervised/start-shim.ts";

/** A mount over something of the host's image: an empty folder, or, with `shows`, that folder of the host, read-only. */
export interface Cover {
  readonly at: string;
  readonly shows?: string;
}

/** Empty folders over what is to be hidden; over them again this program and its Node, where they lie inside. */
export function coversOf(
  hidden: readonly string[],
  programs: readonly string[] = programFolders(),
  exists: (path: string) => boolean = existsSync,
): readonly Cover[] {
  const inside = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
  const there = [...new Set(hidden)].filter(exists).sort((a, b) => a.length - b.length);
  const shown = programs.filter((path) => there.some((folder) => inside(path, folder)));
  const outer = there.filter((path) => !shown.some((program) => inside(path, program)));
  const inner = there.filter((path) => !outer.includes(path));
  return [
    ...outer.map((at) => ({ at })),
    ...shown.map((at) => ({ at, shows: at })),
    ...inner.map((at) => ({ at })),
  ];
}

function programFolders(): readonly string[] {
  const pintle = shimPath?.replace(/\/agent\/runtime\/shim\/shim\.pl$/, "");
  return [dirname(dirname(process.execPath)), ...(pintle === undefined ? [] : [pintle])];
}
