import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unsupportedFields } from "../../agent/sync/unsupported-fields.ts";
import type { Pod } from "../../client/types.ts";
import { type Schema, schema } from "../../controlplane/apiserver/schema/load.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";
import {
  codesIn,
  type FieldRow,
  type FieldSection,
  readFieldTables,
  type Use,
  uses,
} from "./field-tables.ts";
import { type ReachedMessage, reachedMessages } from "./reached-messages.ts";
import { collectionOf, objectWith, valueAt } from "./sample-objects.ts";

const folder = join(import.meta.dirname, "../..");
const sections = readFieldTables(readFileSync(join(folder, "docs/reference/fields.md"), "utf8"));
const reached = reachedMessages(schema());
const messageOf = new Map(reached.map((message) => [message.title, message]));

/** What is wrong with the tables as a list of what can be reached: fields without a row, rows without a field, order. */
function differences(
  tables: readonly FieldSection[],
  messages: readonly ReachedMessage[],
): readonly string[] {
  const found = tables.flatMap(({ title, rows }) => [
    title,
    ...rows.map(({ field }) => `${title}: ${field}`),
  ]);
  const wanted = messages.flatMap(({ title, fields }) => [
    title,
    ...fields.map((field) => `${title}: ${field}`),
  ]);
  const missing = wanted.filter((one) => !found.includes(one)).map((one) => `${one} has no row`);
  const unknown = found.filter((one) => !wanted.includes(one)).map((one) => `${one} cannot be reached`);
  const twice = found.filter((one, at) => found.indexOf(one) !== at).map((one) => `${one} stands twice`);
  if (missing.length + unknown.length + twice.length > 0) return [...missing, ...unknown, ...twice];
  const at = found.findIndex((one, index) => one !== wanted[index]);
  return at < 0 ? [] : [`${found[at]} stands where ${wanted[at]} belongs`];
}

/** The rows of one use, with the message they belong to. */
function rowsOf(...wanted: readonly Use[]): readonly (FieldRow & { readonly message: ReachedMessage })[] {
  return sections.flatMap(({ title, rows }) => {
    const message = messageOf.get(title);
    if (message === undefined) return [];
    return rows.filter(({ use }) => wanted.includes(use as Use)).map((row) => ({ ...row, message }));
  });
}

/** The sample that a row gives, in an object that is otherwise fine, and the place of the field in it. */
function sampleOf({ field, by, message }: FieldRow & { readonly message: ReachedMessage }) {
  const place = [...message.place, field];
  const [sample = ""] = codesIn(by);
  return { place, object: objectWith(message.root, place, JSON.parse(sample)) };
}

/** `spec.containers[0].name` as the names on the way. */
const namesIn = (path: string): readonly string[] => path.split(/[.[\]]+/).filter((name) => name !== "");

/** Whether a refusal's path names the field, or something below the top level that it stands in. */
function namesField(path: string, place: readonly string[]): boolean {
  const names = namesIn(path);
  const shared = place.slice(0, names.length);
  if (names.length > 1 && shared.every((name, at) => name === names[at])) return true;
  // Definitions of custom resources are judged in Kubernetes' internal form, where a schema may stand elsewhere.
  return place.includes("openAPIV3Schema") && names.at(-1) === place.at(-1);
}

/** Whether a refusal that names no path names the field or its value. */
const saysSo = (message: string, field: string, value: unknown): boolean =>
  new RegExp(`\\b${field}\\b`, "i").test(message) || message.includes(JSON.stringify(value));

describe("docs/reference/fields.md", () => {
  it("has one row for every field that can be reached, in the order of the walk", () => {
    assert.deepEqual(differences(sections, reached), []);
  });

  it("does not have a field that the schema gets tomorrow", () => {
    const now = schema();
    for (const type of ["V1PodSpec", "V1LabelSelector", "V1ServiceStatus"]) {
      const message = now.types[type];
      assert.ok(message);
      const fields = { ...message.fields, tomorrow: { t: "string" } };
      const next: Schema = { ...now, types: { ...now.types, [type]: { ...message, fields } } };
      const title = reached.find((one) => one.type === type)?.title;
      assert.deepEqual(differences(sections, reachedMessages(next)), [`${title}: tomorrow has no row`]);
    }
  });

  it("names only uses that are explained", () => {
    const known: readonly string[] = uses;
    const other = sections.flatMap(({ title, rows }) =>
      rows.filter(({ use }) => !known.includes(use)).map(({ field, use }) => `${title}: ${field}: ${use}`),
    );
    assert.deepEqual(other, []);
  });

  it("names for what is honoured or reported a product's source file that has the field's name", () => {
    const wrong = rowsOf("honoured", "reported").flatMap(({ field, by, message }) => {
      const files = codesIn(by);
      const fits = (file: string) =>
        /^(base|client|controlplane|agent|cli)\/.*\.ts$/.test(file) &&
        !/\.test\.ts$|\/testing/.test(file) &&
        existsSync(join(folder, file)) &&
        new RegExp(`\\b${field}\\b`).test(readFileSync(join(folder, file), "utf8"));
      return files.length > 0 && files.every(fits) ? [] : [`${message.title}: ${field}: ${by}`];
    });
    assert.deepEqual(wrong, []);
  });

  it("says why where it is not a file or a value that can be tried", () => {
    const silent = rowsOf("kept", "no effect").filter(({ by }) => by.trim().length < 10);
    assert.deepEqual(silent, []);
  });

  it("gives for what is refused at the node a value of which the node names the field", () => {
    const wrong = rowsOf("refused at the node").flatMap((row) => {
      const { place, object } = sampleOf(row);
      const named = unsupportedFields(object as unknown as Pod, {
        runtimeHandlers: false,
        podResources: true,
        userNamespaces: () => false,
        seLinux: "absent",
      });
      return named.some(({ field }) => namesField(field, place)) ? [] : [place.join(".")];
    });
    assert.deepEqual(wrong, []);
  });

  describe("says of the API what a server does:", () => {
    let api: TestApiserver;
    before(async () => {
      api = await startTestApiserver();
    });
    after(() => api.stop());

    /** Sends the object without storing it: to …/status where the field is one of the status. */
    const tried = async (object: { readonly kind: string }, place: readonly string[]) => {
      const collection = collectionOf(object.kind);
      if (place[0] !== "status") return api.admin.call("POST", `${collection}?dryRun=All`, { body: object });
      const metadata = { name: "stored" };
      const { status, ...rest } = object as { kind: string; status?: unknown };
      await api.admin.call("POST", collection, { body: { ...rest, metadata } });
      return api.admin.call("PUT", `${collection}/stored/status?dryRun=All`, {
        body: { ...rest, metadata, status },
      });
    };

    it("what is refused is refused by name", async () => {
      const wrong: string[] = [];
      for (const row of rowsOf("refused")) {
        const { place, object } = sampleOf(row);
        const { code, body } = await tried(object, place);
        const causes: readonly { readonly field: string }[] = body.details?.causes ?? [];
        const isNamed =
          causes.some(({ field }) => namesField(field, place)) ||
          (causes.length === 0 && saysSo(body.message, row.field, valueAt(object, place)));
        if (code < 400 || code >= 500 || !isNamed) wrong.push(`${place.join(".")}: ${code} ${body.message}`);
      }
      assert.deepEqual(wrong, []);
    });

    it("what is dropped vanishes from what is taken", async () => {
      const wrong: string[] = [];
      for (const row of rowsOf("dropped")) {
        const { place, object } = sampleOf(row);
        const { code, body } = await tried(object, place);
        if (code >= 300) wrong.push(`${place.join(".")}: ${code} ${body.message}`);
        else if (valueAt(body, place) !== undefined) wrong.push(`${place.join(".")} stays`);
      }
      assert.deepEqual(wrong, []);
    });

    it("what only the node refuses is taken and kept", async () => {
      const wrong: string[] = [];
      for (const row of rowsOf("refused at the node")) {
        const { place, object } = sampleOf(row);
        const { code, body } = await tried(object, place);
        const path = place.join(".");
        // What a field speaks of may be missing in the sample; the field itself must be well.
        const causes: readonly { readonly field: string; readonly message: string }[] =
          body.details?.causes ?? [];
        const refused = causes.some(
          ({ field, message }) =>
            namesIn(field).join(".") === path && !/^(Not found|Required value)/.test(message),
        );
        if (refused || (code >= 300 && causes.length === 0)) wrong.push(`${path}: ${body.message}`);
        if (code < 300 && valueAt(body, place) === undefined) wrong.push(`${path} vanishes`);
      }
      assert.deepEqual(wrong, []);
    });
  });
});
