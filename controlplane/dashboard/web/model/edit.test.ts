import assert from "node:assert/strict";
import { bodyOf, editablePart } from "./editable.ts";
import { pathOf, pathsInMessage, pathText } from "./field-path.ts";
import { changedPaths, mergeThree } from "./merge-objects.ts";
import { type SchemaDocument, SchemaNode } from "./schema.ts";
import { readYaml, schemaFaults, serverFaults } from "./yaml-faults.ts";
import { writingPlace } from "./yaml-place.ts";
import { rewrite, yamlText } from "./yaml-text.ts";

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const document: SchemaDocument = {
  components: {
    schemas: {
      Thing: {
        type: "object",
        "x-kubernetes-group-version-kind": [{ group: "x.io", version: "v1", kind: "Thing" }],
        properties: {
          apiVersion: { type: "string" },
          kind: { type: "string" },
          metadata: { allOf: [ref("Meta")], description: "Who it is." },
          spec: { allOf: [ref("Spec")] },
          status: { type: "object" },
        },
      },
      Meta: {
        type: "object",
        properties: {
          name: { type: "string" },
          resourceVersion: { type: "string" },
          labels: { type: "object", additionalProperties: { type: "string" } },
        },
      },
      Spec: {
        type: "object",
        required: ["parts"],
        properties: {
          replicas: { type: "integer" },
          port: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
          policy: { type: "string", enum: ["Always", "Never"], description: "When to." },
          names: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
          args: { type: "array", items: { type: "string" } },
          whole: { type: "object", properties: { a: {}, b: {} }, "x-kubernetes-map-type": "atomic" },
          parts: {
            type: "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name", "protocol"],
            items: ref("Part"),
          },
        },
      },
      Part: {
        type: "object",
        required: ["name"],
        properties: {
          name: { type: "string" },
          protocol: { type: "string", default: "TCP" },
          image: { type: "string" },
          more: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
      Loop: ref("Loop"),
    },
  },
};
const schema = SchemaNode.ofKind(document, { group: "x.io", version: "v1", kind: "Thing" });
const scope = { hasStatusApart: true };

describe("the dashboard's schemas", () => {
  it("finds a kind, and what stands at a path of it", () => {
    assert.equal(schema?.field("metadata")?.schema.description, "Who it is.");
    assert.equal(schema?.at(["metadata", "labels", "any/thing"])?.typeText, "string");
    assert.deepEqual(schema?.at(["spec", "parts", 3, "image"])?.typeText, "string");
    assert.equal(schema?.at(["spec", "part"]), undefined);
    assert.equal(schema?.at(["spec", "toString"]), undefined);
    assert.equal(SchemaNode.ofKind(document, { group: "x.io", version: "v2", kind: "Thing" }), undefined);
  });
  it("ends where references go round", () => {
    const round: SchemaDocument = {
      components: {
        schemas: {
          Loop: {
            ...ref("Loop"),
            "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "Loop" }],
          },
        },
      },
    };
    assert.ok(SchemaNode.ofKind(round, { group: "", version: "v1", kind: "Loop" })?.isOpen);
  });
});

describe("the dashboard's field paths", () => {
  it("reads and writes what servers write", () => {
    const path = ["spec", "containers", 0, "env", "a.b/c"];
    assert.deepEqual(pathOf("spec.containers[0].env[a.b/c]"), path);
    assert.equal(pathText(path), "spec.containers[0].env[a.b/c]");
    assert.deepEqual(pathOf('data["x y"]'), ["data", "x y"]);
    assert.equal(pathOf("a]"), undefined);
    assert.equal(pathOf(""), undefined);
  });
  it("finds fields in what strict decoding says", () => {
    const message =
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo", duplicate field "spec.a[0].b"';
    assert.deepEqual(
      pathsInMessage(message).map(({ path }) => path),
      [
        ["spec", "foo"],
        ["spec", "a", 0, "b"],
      ],
    );
    const go =
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32";
    assert.deepEqual(pathsInMessage(go), [
      { path: ["spec", "replicas"], message: "a string stands where int32 is wanted" },
    ]);
  });
});

describe("the dashboard's marks in YAML", () => {
  const found = (text: string) => {
    const read = readYaml(text);
    const faults = read.document && read.value ? schemaFaults(read.document, schema, scope) : read.faults;
    return faults.map(
      ({ from, rule, message }) => `${text.slice(0, from).split("\n").length} ${rule}: ${message}`,
    );
  };

  it("marks unknown fields, wrong types, values that are no choice and fields that are missing, each at its line", () => {
    assert.deepEqual(
      found(
        "kind: Thing\nspec:\n  replica: 1\n  replicas: two\n  policy: Sometimes\n  parts:\n  - image: x\n  - name: a\n    more: {any: 1}\nstatus: {}\nmetadata:\n  labels: {a: 1}\n",
      ),
      [
        "3 unknown-field: spec.replica: there is no such field; did you mean replicas?",
        "4 wrong-type: spec.replicas: a string stands where integer is wanted",
        '5 not-a-choice: spec.policy: "Sometimes" is none of Always, Never',
        "7 missing-field: spec.parts[0].name must be there",
        "10 server-owned: status is written by what watches over the object; a change of it here is not taken",
        "12 wrong-type: metadata.labels.a: an integer stands where string is wanted",
      ],
    );
    assert.deepEqual(found("kind: Thing\nspec: {}\n"), ["2 missing-field: spec.parts must be there"]);
  });
  it("marks what is no YAML, what is written twice, and a second object", () => {
    assert.match(found("a: [1\nb: 2\n")[0] ?? "", /^\d yaml: /);
    assert.match(found("a: 1\na: 2\n")[0] ?? "", /^2 yaml: .*unique/);
    assert.match(found("a: 1\n---\nb: 1\n")[0] ?? "", /yaml: another object/);
    assert.match(found("just words")[0] ?? "", /an object is wanted/);
    assert.match(found("")[0] ?? "", /there is no object/);
  });
  it("refuses a text that stands for far more than it is", () => {
    const levels = Array.from({ length: 12 }, (_, at) => `a${at}: &a${at} [${`*a${at - 1},`.repeat(9)}]`);
    assert.match(found(["a: &a-1 x", ...levels].join("\n"))[0] ?? "", /yaml: .*alias/i);
  });
  it("reads values as kubectl does", () => {
    const { value } = readYaml('a: 0644\nb: yes\nc: 2026-01-01T00:00:00Z\nd: 1:30\ne: "yes"\n');
    assert.deepEqual(value, { a: 420, b: true, c: "2026-01-01T00:00:00Z", d: "1:30", e: "yes" });
    assert.deepEqual(readYaml(yamlText(value)).value, value);
  });
  it("marks what the server said at the field, or at what is nearest to it", () => {
    const text = "spec:\n  replicas: -1\n  parts:\n  - name: a\n";
    const read = readYaml(text);
    assert.ok(read.document);
    const { faults, isPlaced } = serverFaults(read.document, {
      message: "is invalid",
      causes: [
        { field: "spec.replicas", message: "must not be negative" },
        { field: "spec.parts[0].image", message: "Required value" },
      ],
    });
    assert.ok(isPlaced);
    assert.deepEqual(
      faults.map(({ from, to, message }) => [text.slice(from, to), message]),
      [
        ["-1", "spec.replicas: must not be negative"],
        ["n", "spec.parts[0].image: Required value"],
      ],
    );
    assert.equal(serverFaults(read.document, { message: "quota", causes: [] }).isPlaced, false);
  });
});

describe("the dashboard's place of writing", () => {
  const at = (text: string) => {
    const place = writingPlace(text.replace("|", ""), text.indexOf("|"));
    return place && [place.is, pathText(place.path), place.siblings.join(",")].join(" ");
  };

  it("tells the object whose field is named, and the fields there are", () => {
    assert.equal(at("sp|"), "name  ");
    assert.equal(
      at("kind: A\nspec:\n  replicas: 1\n  re|\n  policy: x\nstatus: {}\n"),
      "name spec replicas,policy",
    );
    assert.equal(at("spec:\n  parts:\n  - name: a\n  - name: b\n    im|\n"), "name spec.parts[1] name");
    assert.equal(
      at("spec:\n  parts:\n    - name: a\n    - im|\n      other: 1\n"),
      "name spec.parts[1] other",
    );
    assert.equal(at("spec:\n  parts:\n  - name: a\n    deep:\n      x: 1\n  re|\n"), "name spec parts");
    assert.equal(at("metadata:\n  name: a\n|"), "name  metadata");
    assert.equal(at("metadata:\n  name: a\n  |"), "name metadata name");
  });
  it("tells the field whose value is written", () => {
    assert.equal(at("spec:\n  policy: Al|\n"), "value spec.policy ");
    assert.equal(at("spec:\n  parts:\n  - name: |\n"), "value spec.parts[0].name ");
  });
  it("keeps out of comments and texts", () => {
    assert.equal(at("spec:\n  # re|"), undefined);
    assert.equal(writingPlace("data:\n  file: |\n    re", 19), undefined);
    assert.equal(at("spec: {re|}"), undefined);
  });
});

describe("the dashboard's three-way merge", () => {
  const base = {
    metadata: { labels: { a: "1" } },
    spec: {
      replicas: 1,
      args: ["x"],
      names: ["a", "b"],
      parts: [
        { name: "p", image: "1" },
        { name: "q", image: "1" },
      ],
    },
  };
  const edited = (change: (copy: typeof base) => void) => {
    const copy = structuredClone(base);
    change(copy);
    return copy;
  };

  it("takes each side's fields, and items by their keys and defaults of keys", () => {
    const mine = edited((o) => {
      o.spec.replicas = 2;
      o.spec.parts[0] = { name: "p", image: "mine", protocol: "TCP" } as never;
      o.spec.names = ["a", "b", "c"];
    });
    const theirs = edited((o) => {
      o.metadata.labels = { a: "1", b: "2" } as never;
      o.spec.parts = [
        { name: "new", image: "n" },
        { name: "p", image: "1" },
      ];
      o.spec.names = ["b", "d"];
    });
    const { value, collisions, theirChanges } = mergeThree({ base, mine, theirs }, schema);
    assert.deepEqual(collisions, []);
    assert.deepEqual(value, {
      metadata: { labels: { a: "1", b: "2" } },
      spec: {
        replicas: 2,
        args: ["x"],
        names: ["b", "c", "d"],
        parts: [
          { name: "new", image: "n" },
          { name: "p", image: "mine", protocol: "TCP" },
        ],
      },
    });
    assert.deepEqual(theirChanges, [
      "metadata.labels.b",
      "spec.names",
      "spec.parts[name=new,protocol=TCP]",
      "spec.parts[name=q,protocol=TCP]",
    ]);
  });
  it("shows what collides field by field, and takes what was chosen", () => {
    const mine = edited((o) => {
      o.spec.replicas = 2;
      o.spec.parts[0] = { name: "p", image: "mine" };
      o.spec.args = ["x", "y"];
    });
    const theirs = edited((o) => {
      o.spec.replicas = 3;
      o.spec.parts.shift();
      o.spec.args = ["z"];
    });
    const first = mergeThree({ base, mine, theirs }, schema);
    assert.deepEqual(
      first.collisions.map((one) => [one.at, one.base, one.mine, one.theirs]),
      [
        ["spec.replicas", 1, 2, 3],
        ["spec.args", ["x"], ["x", "y"], ["z"]],
        [
          "spec.parts[name=p,protocol=TCP]",
          { name: "p", image: "1" },
          { name: "p", image: "mine" },
          undefined,
        ],
      ],
    );
    const chosen = new Map([
      ["spec.replicas", "theirs"],
      ["spec.args", "mine"],
      ["spec.parts[name=p,protocol=TCP]", "theirs"],
    ] as const);
    const { value, collisions } = mergeThree({ base, mine, theirs }, schema, chosen);
    assert.deepEqual(collisions, []);
    assert.deepEqual(value, {
      ...base,
      spec: { replicas: 3, args: ["x", "y"], names: ["a", "b"], parts: [{ name: "q", image: "1" }] },
    });
  });
  it("leaves atomic objects whole, and lists that it cannot tell apart", () => {
    const sides = {
      base: { spec: { whole: { a: 1 }, parts: [{ image: "1" }] } },
      mine: { spec: { whole: { a: 2 }, parts: [{ image: "1" }, { image: "2" }] } },
      theirs: { spec: { whole: { a: 1, b: 1 }, parts: [{ image: "1" }, { image: "1" }] } },
    };
    assert.deepEqual(
      mergeThree(sides, schema).collisions.map(({ at }) => at),
      ["spec.whole", "spec.parts"],
    );
  });
  it("merges alike from both sides where nothing collides", () => {
    const one = edited((o) => o.spec.parts.pop());
    const other = edited((o) => (o.spec.replicas = 7));
    assert.deepEqual(
      mergeThree({ base, mine: one, theirs: other }, schema).value,
      mergeThree({ base, mine: other, theirs: one }, schema).value,
    );
  });
  it("writes a merge into a text without touching comments", () => {
    const text = "# mine\nspec:\n  replicas: 1 # few\n  args: [x]\n";
    const { document: read, value } = readYaml(text);
    assert.ok(read);
    rewrite(read, value, { spec: { replicas: 2, args: ["x", "y"] } });
    const now = read.toString({ lineWidth: 0 });
    assert.match(now, /^# mine\nspec:\n {2}replicas: 2 # few\n/);
    assert.deepEqual(readYaml(now).value, { spec: { replicas: 2, args: ["x", "y"] } });
  });
  it("names what differs", () => {
    assert.deepEqual(changedPaths({ a: { b: 1, c: [1] } }, { a: { b: 1, c: [2] }, d: 1 }).map(pathText), [
      "a.c",
      "d",
    ]);
  });
});

describe("what of an object is edited", () => {
  const object = {
    apiVersion: "x.io/v1",
    kind: "Thing",
    metadata: { name: "a", uid: "u", resourceVersion: "5", managedFields: [], finalizers: ["x/y"] },
    spec: {},
    status: { phase: "x" },
  };
  it("is what people write, sent with the state that the edit began with", () => {
    const shown = editablePart(object, scope);
    assert.deepEqual(shown, {
      apiVersion: "x.io/v1",
      kind: "Thing",
      metadata: { name: "a", finalizers: ["x/y"] },
      spec: {},
    });
    assert.deepEqual(editablePart(object, { hasStatusApart: false }).status, { phase: "x" });
    assert.deepEqual(bodyOf(shown, object).metadata, {
      name: "a",
      finalizers: ["x/y"],
      uid: "u",
      resourceVersion: "5",
    });
  });
});
