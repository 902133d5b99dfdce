/** `1.2 MB`, as people say sizes. Pure. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let [value, at] = [bytes / 1000, 0];
  while (value >= 999.5 && at < units.length - 1) [value, at] = [value / 1000, at + 1];
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

/** A name within a folder as a path. Pure. */
export const inFolder = (folder: string, name: string): string => `${folder === "/" ? "" : folder}/${name}`;

/** The folders that lead to one, the root first. Pure. */
export function foldersTo(path: string): readonly { readonly name: string; readonly path: string }[] {
  const names = path.split("/").filter(Boolean);
  return [
    { name: "/", path: "/" },
    ...names.map((name, at) => ({ name, path: `/${names.slice(0, at + 1).join("/")}` })),
  ];
}

/** A path as a person typed it: absolute, without `.` and `..`. Pure. */
export function cleanPath(text: string): string {
  const names: string[] = [];
  for (const name of text.trim().split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return `/${names.join("/")}`;
}
