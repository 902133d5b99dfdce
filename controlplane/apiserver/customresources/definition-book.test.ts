import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { KubeObject } from "../../../client/types.ts";
import type { Definition, DefinitionNames } from "./definition.ts";
import { DefinitionBook } from "./definition-book.ts";
import { judgeNames } from "./names.ts";

const named = (n: number, short: string): DefinitionNames => ({
  plural: `things${n}`,
  singular: `thing${n}`,
  kind: `Thing${n}`,
  listKind: `Thing${n}List`,
  shortNames: [short],
});

const definition = (
  n: number,
  accepted: DefinitionNames,
  wanted = accepted,
  group = "example.com",
): Definition =>
  ({
    metadata: { name: `things${n}.${group}` },
    spec: { group, names: wanted },
    status: { acceptedNames: accepted, conditions: [{ type: "NamesAccepted", status: "True" }] },
  }) as unknown as Definition;

const stored = (one: Definition | undefined) => one as unknown as KubeObject | undefined;
const put = (book: DefinitionBook, next: Definition | undefined, previous?: Definition) =>
  book.changed(stored(previous), stored(next));

describe("definitions of custom resources are looked at as they change", () => {
  const settled = Array.from({ length: 1000 }, (_, n) => definition(n, named(n, `t${n}`)));
  const waiting = definition(1000, { ...named(1000, "x"), shortNames: [] }, named(1000, "t7"));

  it("one change is one definition to look at, however many there are", () => {
    const book = new DefinitionBook();
    for (const one of settled) put(book, one);
    put(book, waiting);
    strictEqual(book.changes().size, 1001);
    put(book, definition(5, named(5, "t5"), named(5, "five")), settled[5]);
    deepStrictEqual([...book.changes()], ["things5.example.com"]);
    deepStrictEqual([...book.changes()], []);
  });

  it("a name that is given up concerns those of its group that wait, and nobody else", () => {
    const book = new DefinitionBook();
    for (const one of settled) put(book, one);
    put(book, waiting);
    put(book, definition(1, { plural: "", kind: "" }, named(1, "t7"), "other.com"));
    book.changes();
    strictEqual(judgeNames(waiting, book.taken("example.com"))?.conditions[0]?.reason, "ShortNamesConflict");
    put(book, undefined, settled[7]);
    deepStrictEqual([...book.changes()].sort(), ["things1000.example.com", "things7.example.com"]);
    strictEqual(judgeNames(waiting, book.taken("example.com"))?.conditions[0]?.reason, "NoConflicts");
  });

  it("a name is held until the last who holds it lets go, and all are looked at when the cache begins anew", () => {
    const book = new DefinitionBook();
    const [one, other] = [definition(1, named(1, "t")), definition(2, named(2, "t"))];
    put(book, one);
    put(book, other);
    put(book, undefined, one);
    ok(book.taken("example.com").hasResource("t"));
    put(book, undefined, other);
    ok(!book.taken("example.com").hasResource("t"));
    put(book, one);
    book.changes();
    book.clear();
    deepStrictEqual([...book.changes()], ["things1.example.com"]);
    strictEqual(book.get("things1.example.com"), undefined);
  });
});
