import assert from "node:assert/strict";
import fc from "fast-check";
import { ApiError } from "../api-error.ts";
import { mediaRanges } from "./accept-header.ts";
import { negotiate, type Offered, routedTypes, statusForm } from "./negotiate.ts";

const protobuf = "application/vnd.kubernetes.protobuf";
const reduced = (as: string, version = "v1") => `;as=${as};g=meta.k8s.io;v=${version}`;

const builtIn: Offered = { tables: true, metadata: true, protobuf: true, routed: routedTypes(false) };
const { routed: _, ...whateverIsAccepted } = builtIn;
const custom: Offered = { ...whateverIsAccepted, protobuf: false };

const unroutable =
  "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf";
const notAcceptable =
  "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf";

/** What a kube-apiserver of 1.36 answered to GET of a Namespace. */
const answers: readonly (readonly [accept: string, form: string])[] = [
  ["", "json object"],
  ["application/json", "json object"],
  ["application/json; charset=utf-8", "json object"],
  ["application/json;pretty=1", "json object"],
  ["application/json;foo=bar", "json object"],
  ["application/json;stream=watch", "json object"],
  ["application/json;q=bad", "json object"],
  ["application/json;q=0", "json object"],
  ["*/*;q=0", "json object"],
  ["foo/bar, application/json", "json object"],
  ["application/yaml", "yaml object"],
  ["application/json;q=0.1, application/yaml;q=0.9", "yaml object"],
  [protobuf, "protobuf object"],
  [`${protobuf};stream=watch`, "protobuf object"],
  [`${protobuf}, application/json`, "protobuf object"],
  [`application/json;q=0.5, ${protobuf}`, "protobuf object"],
  [`${protobuf}${reduced("PartialObjectMetadata")}`, "protobuf metadata"],
  [`${protobuf}${reduced("PartialObjectMetadata", "v1beta1")}`, "protobuf metadata v1beta1"],
  [`${protobuf}${reduced("Table")}, application/json`, "json object"],
  [`${protobuf}${reduced("Table")}`, notAcceptable],
  [`application/json${reduced("Table", "v1beta1")}`, "json table v1beta1"],
  [`application/json${reduced("Table")};foo=bar`, "json table"],
  [`application/yaml${reduced("Table")}`, "yaml table"],
  [`application/json${reduced("PartialObjectMetadataList")}`, "json metadataList"],
  [`application/json${reduced("Foo")}`, notAcceptable],
  [`application/json${reduced("Table", "v2")}`, notAcceptable],
  ["application/json;as=Table", notAcceptable],
  ["application/json;as=Table;g=foo;v=v1", notAcceptable],
  ["application/json;g=meta.k8s.io", notAcceptable],
  ["application/json;stream=foo", notAcceptable],
  ["text/html", unroutable],
  ["text/yaml", unroutable],
  ["application/x-yaml", unroutable],
  ["application/cbor", unroutable],
  ["application/*", unroutable],
  ["text/*", unroutable],
  ["APPLICATION/JSON", unroutable],
  [";", unroutable],
  [",", unroutable],
];

/** And to GET of a custom object. */
const customAnswers: readonly (readonly [accept: string, form: string])[] = [
  ["application/*", "json object"],
  ["*/*", "json object"],
  ["application/yaml", "yaml object"],
  [`${protobuf}, application/json`, "json object"],
  [`${protobuf}${reduced("PartialObjectMetadata")}`, "protobuf metadata"],
  [protobuf, notAcceptable],
  [`${protobuf}${reduced("Table")}`, notAcceptable],
  ["text/html", notAcceptable],
  ["application/cbor", notAcceptable],
  ["APPLICATION/JSON", notAcceptable],
];

/** The form of a Status, which has no reduced one. */
const statuses: readonly (readonly [accept: string, format: string])[] = [
  ["", "json"],
  ["text/html", "json"],
  [protobuf, "protobuf"],
  [`${protobuf}, application/json`, "protobuf"],
  ["application/yaml", "yaml"],
  [`${protobuf}${reduced("PartialObjectMetadata")}`, "json"],
  [`application/json${reduced("Table")}, application/yaml`, "yaml"],
];

function formOf(accept: string, offered: Offered): string {
  try {
    const { format, as, version } = negotiate(accept, offered);
    return [format, as, ...(version === "v1" ? [] : [version])].join(" ");
  } catch (error) {
    assert.ok(error instanceof ApiError && error.code === 406 && error.reason === "NotAcceptable");
    return error.message;
  }
}

describe("what a client accepts", () => {
  for (const [accept, form] of answers)
    it(`gives an object as a kube-apiserver does: ${accept || "nothing said"}`, () =>
      assert.equal(formOf(accept, builtIn), form));

  for (const [accept, form] of customAnswers)
    it(`gives a custom object, which is no protobuf, as a kube-apiserver does: ${accept}`, () =>
      assert.equal(formOf(accept, custom), form));

  for (const [accept, format] of statuses)
    it(`gives an error in what the client reads, else in JSON: ${accept || "nothing said"}`, () =>
      assert.equal(statusForm(accept, false).format, format));

  it("puts ranges in order by quality, then what is told exactly before wildcards", () => {
    const order = (accept: string) => mediaRanges(accept).map(({ type }) => type);
    assert.deepEqual(order("a/b;q=0.1, c/d;q=0.9, e/f;q=0.5"), ["c/d", "e/f", "a/b"]);
    assert.deepEqual(order("*/*, a/*, a/b"), ["a/b", "a/*", "*/*"]);
    assert.deepEqual(order("*, a/b/c, a/b"), ["a/b", "*/*"]);
  });

  it("never fails but with 406, whatever the header, and gives a Status in some form", () => {
    const piece = fc.oneof(
      fc.constantFrom("application", "json", "yaml", "/", ";", ",", "=", "q", "0.5", "*", " ", protobuf),
      fc.constantFrom("as", "Table", "g", "v", "v1", "meta.k8s.io", "stream", "watch", "sv", "text/html"),
      fc.string({ maxLength: 3 }),
    );
    const accept = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(accept, fc.boolean(), (header, isCustom) => {
        formOf(header, isCustom ? custom : builtIn);
        assert.ok(["json", "yaml", "protobuf"].includes(statusForm(header, false).format));
      }),
      { numRuns: 2000 },
    );
  });
});
