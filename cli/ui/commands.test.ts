import assert from "node:assert/strict";
import { parseCommand, suggestion } from "./commands.ts";
import { keyName, keysOf } from "./keys.ts";

const kind = (plural: string, short: readonly string[], group = "", namespaced = true) => ({
  group,
  version: "v1",
  kind: plural,
  plural,
  namespaced,
  singular: plural.slice(0, -1),
  shortNames: short,
  categories: [],
});
const kinds = [
  kind("pods", ["po"]),
  kind("events", ["ev"]),
  kind("events", ["ev"], "events.k8s.io"),
  kind("nodes", ["no"], "", false),
];
const parse = (line: string) => {
  const found = parseCommand(line, kinds);
  return found.is === "kind" ? { ...found, kind: `${found.kind.plural}.${found.kind.group}` } : found;
};

describe("cli/ui: what is written after :", () => {
  it("is a kind, with a namespace, a filter and labels in any order", () => {
    const pods = { is: "kind", kind: "pods.", namespace: undefined, filter: "", labels: "" };
    for (const word of ["po", "pod", "Pods", " pods "]) assert.deepEqual(parse(word), pods);
    assert.deepEqual(parse("po kube-system"), { ...pods, namespace: "kube-system" });
    assert.deepEqual(parse("po all"), { ...pods, namespace: null });
    assert.deepEqual(parse("po app=web /x -n shop tier!=db"), {
      ...pods,
      namespace: "shop",
      filter: "x",
      labels: "app=web,tier!=db",
    });
    assert.deepEqual(parse("events.events.k8s.io"), { ...pods, kind: "events.events.k8s.io" });
  });

  it("is a command", () => {
    assert.deepEqual(parse("q"), { is: "quit" });
    assert.deepEqual(parse("ctx other"), { is: "contexts", name: "other" });
    assert.deepEqual(parse("why -A"), { is: "why", isAll: true });
    assert.deepEqual(parse(""), { is: "nothing" });
    for (const line of ["constructor", "foo", "po a b"]) assert.equal(parse(line).is, "unknown", line);
  });

  it("is completed", () => {
    assert.equal(suggestion("po", kinds), "ds");
    assert.equal(suggestion("ev", kinds), "ents");
    assert.equal(suggestion("po x", kinds), "");
    assert.equal(suggestion("zz", kinds), "");
  });
});

describe("cli/ui: keys", () => {
  it("have one name each", () => {
    assert.equal(keyName("d", { ctrl: true }), "ctrl-d");
    assert.equal(keyName("", { upArrow: true }), "up");
    assert.equal(keyName(" ", {}), "space");
    assert.equal(keyName("G", { shift: true }), "G");
    assert.equal(keyName("", { tab: true, shift: true }), "shift-tab");
    assert.equal(keyName("", { delete: true }), "backspace");
    assert.equal(keyName("x", { meta: true }), undefined);
  });

  it("may come several at once", () => {
    assert.deepEqual(keysOf(":po x\r", {}), [":", "p", "o", "space", "x", "enter"]);
    assert.deepEqual(keysOf("d", { ctrl: true }), ["ctrl-d"]);
    assert.deepEqual(keysOf("", {}), []);
  });
});
