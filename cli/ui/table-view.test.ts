import assert from "node:assert/strict";
import type { Column, Row } from "../../client/rules/printed-table.ts";
import { drawTable, matcher, moved, placed, shownTable, type TableLook } from "./table-view.ts";

const columns: readonly Column[] = [
  { name: "Name", type: "string", priority: 0 },
  { name: "Status", type: "string", priority: 0 },
  { name: "Age", type: "string", priority: 0 },
  { name: "Node", type: "string", priority: 1 },
];
const nowMs = Date.UTC(2026, 0, 1, 1);
const row = (name: string, status: string, born = "2026-01-01T00:00:00Z"): Row => ({
  cells: [name, status, "of then", "node-1"],
  object: { metadata: { name, namespace: "default", creationTimestamp: born } },
});
const rows = [
  row("web-10", "Running"),
  row("web-2", "CrashLoopBackOff", "2026-01-01T00:30:00Z"),
  row("api", "Pending"),
];
const look: TableLook = {
  filter: "",
  sortBy: undefined,
  isDescending: false,
  isWide: false,
  isFaultsOnly: false,
  hasNamespaces: false,
};
const shown = (change: Partial<TableLook> = {}, use?: Parameters<typeof shownTable>[3]["use"]) =>
  shownTable(columns, rows, { ...look, ...change }, { nowMs, use });
const names = (table: ReturnType<typeof shown>) => table.rows.map(({ key }) => key.split("/")[1]);

describe("cli/ui: a table", () => {
  it("is in the order of names, by numbers in them, with ages as of now", () => {
    const table = shown();
    assert.deepEqual(
      table.columns.map(({ title }) => title),
      ["NAME", "STATUS", "AGE"],
    );
    assert.deepEqual(
      table.rows.map(({ cells }) => cells.join(" ")),
      ["api Pending 60m", "web-2 CrashLoopBackOff 30m", "web-10 Running 60m"],
    );
  });

  it("is sorted, filtered, and reduced to what is not well", () => {
    assert.deepEqual(names(shown({ sortBy: "STATUS" })), ["web-2", "api", "web-10"]);
    assert.deepEqual(names(shown({ sortBy: "STATUS", isDescending: true })), ["web-10", "api", "web-2"]);
    assert.deepEqual(names(shown({ filter: "web" })), ["web-2", "web-10"]);
    assert.deepEqual(names(shown({ filter: "!web" })), ["api"]);
    assert.deepEqual(names(shown({ filter: "^(api|web-1)" })), ["api", "web-10"]);
    assert.deepEqual(names(shown({ isFaultsOnly: true })), ["web-2"]);
    const use = new Map([
      ["default/api", { cpuMillis: 1, memoryBytes: 9 * 2 ** 20 }],
      ["default/web-2", { cpuMillis: 0.2, memoryBytes: 2 ** 30 }],
    ]);
    const used = shown({ sortBy: "MEM", isDescending: true, isWide: true, hasNamespaces: true }, use);
    assert.deepEqual(
      used.columns.map(({ title }) => title),
      ["NAMESPACE", "NAME", "STATUS", "AGE", "NODE", "CPU", "MEM"],
    );
    assert.deepEqual(used.rows[0]?.cells, [
      "default",
      "web-2",
      "CrashLoopBackOff",
      "30m",
      "node-1",
      "1m",
      "1024Mi",
    ]);
  });

  it("takes a filter that is no regular expression as it stands, and one that would take for ever", () => {
    assert.ok(matcher("web(")("a web( b"));
    assert.ok(!matcher("(a+)+$")(`${"a".repeat(50_000)}b`));
  });

  it("keeps the cursor on its row, and where the row was when it is gone", () => {
    const all = shown().rows;
    const cursor = placed(moved({ key: undefined, at: 0, top: 0 }, all, 1), all, 2);
    assert.deepEqual(cursor, { key: "default/web-2", at: 1, top: 0 });
    assert.equal(placed(cursor, all.slice(1), 2).at, 0);
    assert.equal(
      placed(
        cursor,
        all.filter(({ key }) => key !== "default/web-2"),
        2,
      ).key,
      "default/web-10",
    );
    assert.equal(placed(moved(cursor, all, 99), all, 2).top, 1);
    assert.deepEqual(placed(cursor, [], 2), { key: "default/web-2", at: 0, top: 0 });
  });

  it("is drawn in as many columns and lines as there are, with a sign where something is not well", () => {
    const table = shown();
    const cursor = placed({ key: "default/web-2", at: 0, top: 0 }, table.rows, 3);
    const draw = (width: number, height: number) =>
      drawTable(
        table,
        { cursor, marked: new Set(["default/web-10"]), look, scrolled: 0 },
        { width, height },
      ).map((line) => line.map(({ text }) => text).join(""));
    assert.deepEqual(
      draw(40, 9).map((line) => line.trimEnd()),
      [
        "   NAME     STATUS             AGE",
        " ◐ api      Pending            60m",
        ">✕ web-2    CrashLoopBackOff   30m",
        " * web-10   Running            60m",
      ],
    );
    assert.ok(draw(20, 9).every((line) => line.length === 20));
    assert.equal(draw(40, 3).length, 3);
  });
});
