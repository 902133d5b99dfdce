import { resourceRows } from "../../controlplane/apiserver/discovery/resource-lists.ts";
import { KindTable } from "../../controlplane/apiserver/registry/kind-table.ts";
import { kinds } from "../../controlplane/apiserver/resources/table.ts";
import { readFieldTables } from "../../test/docs/field-tables.ts";
import { code, pageOf, tableOf } from "./markdown.ts";

const allVerbs = "create delete deletecollection get list patch update watch";

/** docs/reference/kinds.md: what discovery tells, with what becomes of each kind's own fields. */
export function kindsPage(fieldsPage: string): string {
  const table = new KindTable(kinds);
  const sections = new Map(readFieldTables(fieldsPage).map(({ title, rows }) => [title, rows]));
  const groups = [...table.groups()].flatMap(([group, versions]) =>
    versions.map((version) => ({ group, version })),
  );
  return pageOf(
    "Kinds",
    `What the API server serves, as it tells in discovery (\`kubectl api-resources\`). Verbs are named where they are not all eight (${code(allVerbs)}).
Behind each kind stands how many fields its own message and, where it has them, its spec and status have by what becomes of them; [fields](./fields.md) tells
it of every field of every message.`,
    "Kinds of your own come with CustomResourceDefinitions, other servers' with APIServices.",
    ...groups.flatMap(({ group, version }) => [
      `## ${group === "" ? "core" : group}/${version}`,
      tableOf(
        ["kind", "resource", "short names", "in a namespace", "verbs", "subresources", "fields"],
        resourceRows(table, group, version).map((row) => [
          code(row.kind),
          code(row.plural),
          row.shortNames.map(code).join(", "),
          row.namespaced ? "yes" : "",
          [...row.verbs].sort().join(" ") === allVerbs ? "" : [...row.verbs].sort().map(code).join(", "),
          row.subresources.map(({ name }) => code(name)).join(", "),
          fieldCount(sections, `${(group === "" ? "core" : group).split(".")[0]}/${version} ${row.kind}`),
        ]),
      ),
    ]),
  );
}

function fieldCount(
  sections: ReadonlyMap<string, readonly { readonly use: string }[]>,
  title: string,
): string {
  const rows = ["", "Spec", "Status"].flatMap((part) => sections.get(title + part) ?? []);
  const counts = new Map<string, number>();
  for (const { use } of rows) counts.set(use, (counts.get(use) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([use, count]) => `${count} ${use}`)
    .join(", ");
}
