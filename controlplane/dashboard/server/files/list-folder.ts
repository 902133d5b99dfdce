export interface FolderEntry {
  readonly name: string;
  readonly kind: "folder" | "file" | "link" | "other";
  /** Unknown where the container has no `stat`. */
  readonly sizeBytes?: number;
  readonly changedS?: number;
}

export const listLimits = { entriesMost: 5_000, bytesMost: 4 * 1024 * 1024 } as const;

/** Prints a letter and a name for each entry, ended by NUL since a name may hold anything else, then an empty one, then a line of
 *  size and time for each, without names. The folder is the first argument. */
const script = `cd -- "$1" || exit 3
for f in ./* ./.[!.]* ./..?*; do
  if [ -L "$f" ]; then k=l; elif [ -d "$f" ]; then k=d; elif [ -f "$f" ]; then k=f; elif [ -e "$f" ]; then k=o; else continue; fi
  printf '%s%s\\0' "$k" "\${f#./}"
done
printf '\\0'
stat -c '%s %Y' ./* ./.[!.]* ./..?* 2>/dev/null
exit 0`;

/** No word of it but the folder comes from outside, and that is an argument. Pure. */
export const listCommand = (folder: string): readonly string[] => ["sh", "-c", script, "sh", folder];

const kinds: Readonly<Record<string, FolderEntry["kind"]>> = {
  d: "folder",
  f: "file",
  l: "link",
  o: "other",
};

/** What `listCommand` printed, folders first; undefined for what it does not print. Pure. */
export function readListing(
  output: string,
): { readonly entries: readonly FolderEntry[]; readonly left: number } | undefined {
  const end = output.startsWith("\0") ? 0 : output.indexOf("\0\0") + 1;
  if (end === 0 && !output.startsWith("\0")) return undefined;
  const named = output.slice(0, end).split("\0").filter(Boolean);
  const details = output
    .slice(end + 1)
    .split("\n")
    .filter(Boolean);
  const isWhole = details.length === named.length;
  const entries: FolderEntry[] = [];
  for (const [at, text] of named.entries()) {
    const kind = kinds[text[0] ?? ""];
    if (kind === undefined || text.length < 2) return undefined;
    const match = isWhole ? /^(\d{1,15}) (-?\d{1,12})$/.exec(details[at] ?? "") : null;
    entries.push({
      name: text.slice(1),
      kind,
      ...(match && { sizeBytes: Number(match[1]), changedS: Number(match[2]) }),
    });
  }
  const rank = ({ kind }: FolderEntry) => (kind === "folder" ? 0 : 1);
  entries.sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  return {
    entries: entries.slice(0, listLimits.entriesMost),
    left: Math.max(0, entries.length - listLimits.entriesMost),
  };
}
