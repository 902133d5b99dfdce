/** What becomes of a field that a client sets. */
export const uses = [
  /** A source file acts on it. */
  "honoured",
  /** The API refuses it: for each field a value that it refuses. */
  "refused",
  /** The node's agent refuses it by an event, as a kubelet on such a node does: for each a value that it refuses. */
  "refused at the node",
  /** The API leaves it out of what it stores, as Kubernetes does where a feature is off: for each a value that vanishes. */
  "dropped",
  /** Stored and shown, for clients. */
  "kept",
  /** A source file writes it. */
  "reported",
  /** Accepted as by Kubernetes, and nothing that could be done with it exists here; says why. */
  "no effect",
] as const;
export type Use = (typeof uses)[number];

export interface FieldRow {
  readonly field: string;
  readonly use: string;
  readonly by: string;
}
export interface FieldSection {
  readonly title: string;
  readonly rows: readonly FieldRow[];
}

/** Reads the sections of docs/reference/fields.md: a heading `## core/v1 PodSpec`, then a table of three columns. */
export function readFieldTables(text: string): readonly FieldSection[] {
  const [, ...sections] = text.split(/^## /m);
  return sections.map((section) => {
    const [title = "", ...lines] = section.split("\n");
    const cells = lines.filter((line) => line.startsWith("| `")).map((line) => line.split(" | "));
    const rows = cells.map(([field = "", use = "", by = ""]) => ({
      field: field.replace(/^\| `(.*)`$/, "$1"),
      use,
      by: by.replace(/ \|$/, ""),
    }));
    return { title, rows };
  });
}

/** What stands in code marks. */
export const codesIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
