import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { windowLimits } from "../cache/event-window.ts";
import { startTestApiserver, type TestAnswer, type TestApiserver } from "../testing.ts";
import {
  configure,
  patchOf,
  reviewAnswer,
  type SeenRequest,
  startTestHook,
  type TestHook,
  unconfigure,
} from "./testing.ts";

/** What a client was told by kube-apiserver 1.36.3 where the webhook of a definition answered so. */
interface Recorded {
  readonly name: string;
  readonly get: Outcome;
  readonly list: Outcome;
  readonly create: Outcome;
}
interface Outcome {
  readonly code: number;
  readonly message?: string;
  readonly [field: string]: unknown;
}
const file = new URL("testdata/conversions.json", import.meta.url);
const recorded: readonly Recorded[] = JSON.parse(readFileSync(file, "utf8"));

// biome-ignore lint/suspicious/noExplicitAny: the answers break every shape
type Any = any;

const group = "conv.example.com";

/** v1 counts in `n`, v2 says it as a text in `size`. */
function converted({ review }: SeenRequest): Any[] {
  return review.request.objects.map((original: Any) => {
    const apiVersion = review.request.desiredAPIVersion;
    const { n, size } = original.spec ?? {};
    const spec = apiVersion.endsWith("/v2") ? { size: String(n ?? 0) } : { n: Number(size ?? 0) };
    return { ...structuredClone(original), apiVersion, spec };
  });
}

const success = ({ review }: SeenRequest, convertedObjects: unknown): Any => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "ConversionReview",
  response: { uid: review.request.uid, result: { status: "Success" }, convertedObjects },
});
const each = (spoil: (object: Any) => void) => (request: SeenRequest) => {
  const objects = converted(request);
  for (const one of objects) spoil(one);
  return success(request, objects);
};
const responding = (change: (answer: Any) => void) => (request: SeenRequest) => {
  const answer = success(request, converted(request));
  change(answer);
  return answer;
};
const result = (status: object) => (request: SeenRequest) => {
  const answer = success(request, []);
  answer.response.result = status;
  return answer;
};

const answers: Readonly<Record<string, (request: SeenRequest) => Any>> = {
  good: (request) => success(request, converted(request)),
  "other uid": responding((answer) => {
    answer.response.uid = "other";
  }),
  "other kind of review": responding((answer) => {
    answer.kind = "Other";
  }),
  "no kind": responding((answer) => {
    delete answer.kind;
    delete answer.apiVersion;
  }),
  "no response": responding((answer) => {
    delete answer.response;
  }),
  "failed with a message": result({ status: "Failure", message: "cannot do that" }),
  "failed without": result({ status: "Failure" }),
  "no result": responding((answer) => {
    delete answer.response.result;
  }),
  "too few": (request) => success(request, []),
  "too many": (request) => success(request, [...converted(request), ...converted(request)]),
  "other version": each((object) => {
    object.apiVersion = `${group}/v3`;
  }),
  "other group": each((object) => {
    object.apiVersion = "other.example.com/v2";
  }),
  "other kind": each((object) => {
    object.kind = "Other";
  }),
  "other name": each(({ metadata }) => {
    metadata.name = "other";
  }),
  "other namespace": each(({ metadata }) => {
    metadata.namespace = "other";
  }),
  "other uid of the object": each(({ metadata }) => {
    metadata.uid = "other";
  }),
  "no metadata": each((object) => {
    delete object.metadata;
  }),
  "metadata of another type": each((object) => {
    object.metadata = "x";
  }),
  "labels and annotations": each(({ metadata }) => {
    metadata.labels = { by: "webhook" };
    metadata.annotations = { by: "webhook" };
    metadata.finalizers = ["x.example.com/f"];
    metadata.ownerReferences = [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "u" }];
    metadata.generation = 77;
    metadata.resourceVersion = "1";
  }),
  "bad labels": each(({ metadata }) => {
    metadata.labels = { by: 1 };
  }),
  "labels that may not be": each(({ metadata }) => {
    metadata.labels = { "-": "-" };
  }),
  "unknown fields": each((object) => {
    object.zz = 1;
    object.spec.zz = 2;
  }),
  "an object that is none": ({ review, ...rest }) =>
    success(
      { review, ...rest },
      review.request.objects.map(() => 5),
    ),
  "no JSON": () => "hello",
};

function answerNamed(name: string): (request: SeenRequest) => Any {
  const answer = answers[name];
  assert.ok(answer);
  return answer;
}

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const merge = "application/merge-patch+json";
const path = (version: string) => `/apis/${group}/${version}/namespaces/default/samples`;
const sample = (version: string, name: string, spec: object) => ({
  apiVersion: `${group}/${version}`,
  kind: "Sample",
  metadata: { name },
  spec,
});

describe("custom resources that a webhook converts", () => {
  let api: TestApiserver;
  let hook: TestHook;
  const converting = (answer: (request: SeenRequest) => Any) => {
    hook.answer = (request, response) => {
      const said = answer(request);
      response.end(typeof said === "string" ? said : JSON.stringify(said));
    };
  };
  const call = (method: string, url: string, body?: object, type?: string) =>
    api.admin.call(method, url, { ...(body && { body }), ...(type && { type }) });

  before(async () => {
    api = await startTestApiserver();
    hook = await startTestHook();
    const version = (name: string, properties: object) => ({
      name,
      served: true,
      storage: name === "v1",
      schema: {
        openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } },
      },
      additionalPrinterColumns: [
        { name: "Spec", type: "string", jsonPath: name === "v1" ? ".spec.n" : ".spec.size" },
      ],
      selectableFields: [{ jsonPath: name === "v1" ? ".spec.n" : ".spec.size" }],
    });
    const clientConfig = { url: hook.url("/convert"), caBundle: hook.caBundle };
    const made = await call("POST", definitions, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `samples.${group}` },
      spec: {
        group,
        scope: "Namespaced",
        names: { plural: "samples", kind: "Sample" },
        versions: [version("v1", { n: { type: "integer" } }), version("v2", { size: { type: "string" } })],
        conversion: { strategy: "Webhook", webhook: { clientConfig, conversionReviewVersions: ["v1"] } },
      },
    });
    assert.equal(made.code, 201, made.text);
    await served();
    const first = await call("POST", path("v1"), sample("v1", "a", { n: 1 }));
    assert.equal(first.code, 201, first.text);
  });
  /** The definition's kind is there. */
  const served = async (): Promise<void> => {
    if ((await call("GET", path("v1"))).code !== 200) return served();
  };
  beforeEach(() => {
    hook.seen.length = 0;
    converting(answerNamed("good"));
  });
  after(async () => {
    await hook.stop();
    await api.stop();
  });

  const outcome = ({ code, body }: TestAnswer): unknown => {
    const text = (message: string) => message.replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID");
    if (body.kind === "Status") return { code, message: text(body.message) };
    if (body.items !== undefined) return { code, items: body.items.map(({ spec }: Any) => spec) };
    const { labels, annotations, finalizers } = body.metadata;
    const { spec, apiVersion, zz } = body;
    return JSON.parse(JSON.stringify({ code, spec, apiVersion, labels, annotations, finalizers, zz }));
  };

  for (const one of recorded) {
    const answer = answers[one.name];
    if (answer === undefined) continue;
    it(`fail where kube-apiserver 1.36.3 fails, in its words: ${one.name}`, async () => {
      converting(answer);
      assert.deepEqual(outcome(await call("GET", `${path("v2")}/a`)), one.get);
      assert.deepEqual(outcome(await call("GET", path("v2"))), one.list);
      const created = await call("POST", `${path("v2")}?dryRun=All`, sample("v2", "c", { size: "3" }));
      // A new object gets its uid here once it is what is stored.
      const message = one.create.message?.replace("same UID: UID", "same UID: ");
      assert.deepEqual(outcome(created), { ...one.create, ...(message && { message }) });
    });
  }

  it("are read and written in each version, and converted no oftener than they must be", async () => {
    await call("GET", `${path("v1")}/a`);
    await call("GET", path("v1"));
    assert.equal(hook.seen.length, 0);
    await call("POST", path("v2"), sample("v2", "b", { size: "2" }));
    const patched = await call("PATCH", `${path("v2")}/b`, { spec: { size: "5" } }, merge);
    assert.deepEqual(patched.body.spec, { size: "5" });
    assert.deepEqual((await call("GET", `${path("v1")}/b`)).body.spec, { n: 5 });
    hook.seen.length = 0;
    const { body } = await call("GET", path("v2"));
    assert.deepEqual(
      body.items.map(({ spec }: Any) => spec),
      [{ size: "1" }, { size: "5" }],
    );
    assert.equal(hook.seen.length, 1);
    const [{ path: url, review } = assert.fail()] = hook.seen;
    assert.equal(url, "/convert?timeout=30s");
    assert.equal(review.request.desiredAPIVersion, `${group}/v2`);
    assert.deepEqual(
      review.request.objects.map(({ apiVersion, spec }: Any) => [apiVersion, spec]),
      [
        [`${group}/v1`, { n: 1 }],
        [`${group}/v1`, { n: 5 }],
      ],
    );
    const apply = `${path("v2")}/d?fieldManager=m`;
    const applied = await call(
      "PATCH",
      apply,
      sample("v2", "d", { size: "8" }),
      "application/apply-patch+yaml",
    );
    assert.deepEqual([applied.code, applied.body.spec], [201, { size: "8" }]);
    const table = await api.admin.call("GET", `${path("v2")}/b`, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    assert.deepEqual(table.body.rows[0].cells, ["b", "5"]);
    const { text } = await api.admin.call("GET", "/metrics");
    const failed = 'result="failure",failure_type="conversion_webhook_invalid_converted_object_failure"';
    assert.ok(text.includes(`apiserver_conversion_webhook_request_total{${failed}}`));
    assert.ok(
      text.includes('apiserver_conversion_webhook_duration_seconds_count{result="success",failure_type=""}'),
    );
  });

  it("are watched in each version, many at once, with their bookmarks; what cannot be shown ends the watch", async () => {
    const query =
      "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    const watch = api.admin.watch(`${path("v2")}?${query}`);
    const seen: unknown[] = [];
    for await (const { type, object } of watch) {
      seen.push(type === "BOOKMARK" ? type : [type, object.metadata.name, object.apiVersion, object.spec]);
      if (type === "BOOKMARK") break;
    }
    assert.deepEqual(seen, [
      ["ADDED", "a", `${group}/v2`, { size: "1" }],
      ["ADDED", "b", `${group}/v2`, { size: "5" }],
      ["ADDED", "d", `${group}/v2`, { size: "8" }],
      "BOOKMARK",
    ]);
    assert.equal(hook.seen.length, 1);
    converting(answerNamed("too few"));
    const broken = api.admin.watch(`${path("v2")}?watch=true`);
    const { value } = await broken.next();
    assert.deepEqual([value?.type, value?.object.code], ["ERROR", 500]);
  });

  it("are selected by what they say in the version that is asked for: in lists, their pages and watches", async () => {
    const names = async (version: string, query: string) => {
      const { code, body } = await call("GET", `${path(version)}?${query}`);
      return code === 200 ? body.items.map(({ metadata }: Any) => metadata.name) : body.message;
    };
    for (const name of ["s1", "s2", "s3"]) await call("POST", path("v2"), sample("v2", name, { size: "70" }));
    const { body } = await call("POST", path("v1"), sample("v1", "s4", { n: 71 }));
    assert.deepEqual(await names("v2", "fieldSelector=spec.size=70"), ["s1", "s2", "s3"]);
    assert.deepEqual(await names("v1", "fieldSelector=spec.n=70,metadata.name!=s2"), ["s1", "s3"]);
    assert.deepEqual(await names("v2", "fieldSelector=spec.size=71"), ["s4"]);
    assert.match(await names("v2", "fieldSelector=spec.n=70"), /field label not supported: spec\.n/);
    const page = await call("GET", `${path("v2")}?fieldSelector=spec.size=70&limit=2`);
    assert.deepEqual([page.body.items.length, page.body.metadata.remainingItemCount], [2, undefined]);
    const rest = `fieldSelector=spec.size=70&limit=2&continue=${page.body.metadata.continue}`;
    assert.deepEqual(await names("v2", rest), ["s3"]);

    const since = `resourceVersion=${body.metadata.resourceVersion}`;
    const change = (name: string, size: string) =>
      call("PATCH", `${path("v2")}/${name}`, { spec: { size } }, merge);
    await change("s1", "72");
    await change("s4", "70");
    await call("PATCH", `${path("v1")}/s4`, { metadata: { labels: { a: "b" } } }, merge);
    await change("s4", "73");
    await call("DELETE", `${path("v2")}/s2`);
    for (const [version, selector] of [
      ["v2", "spec.size=70"],
      ["v1", "spec.n=70"],
    ] as const) {
      const seen: unknown[] = [];
      const query = `watch=true&${since}&fieldSelector=${selector}`;
      for await (const { type, object } of api.admin.watch(`${path(version)}?${query}`)) {
        seen.push([type, object.metadata.name, object.spec.size ?? String(object.spec.n)]);
        if (seen.length === 5) break;
      }
      assert.deepEqual(seen, [
        ["DELETED", "s1", "70"],
        ["ADDED", "s4", "70"],
        ["MODIFIED", "s4", "70"],
        ["DELETED", "s4", "70"],
        ["DELETED", "s2", "70"],
      ]);
    }
    const gone = await call("DELETE", `${path("v2")}?fieldSelector=spec.size=70`);
    assert.deepEqual(
      gone.body.items.map(({ metadata }: Any) => metadata.name),
      ["s3"],
    );
    for (const name of ["s1", "s4"]) await call("DELETE", `${path("v2")}/${name}`);
  });

  it("are converted once to be selected and shown, in a list as in its pages", async () => {
    for (const name of ["t1", "t2"]) await call("POST", path("v2"), sample("v2", name, { size: "80" }));
    const sizes = ({ body }: TestAnswer) => body.items.map(({ spec }: Any) => spec.size);
    hook.seen.length = 0;
    assert.deepEqual(sizes(await call("GET", `${path("v2")}?fieldSelector=spec.size=80`)), ["80", "80"]);
    assert.equal(hook.seen.length, 1);
    const first = await call("GET", `${path("v2")}?fieldSelector=spec.size=80&limit=1`);
    hook.seen.length = 0;
    const { continue: token } = first.body.metadata;
    const rest = await call("GET", `${path("v2")}?fieldSelector=spec.size=80&limit=1&continue=${token}`);
    assert.deepEqual(sizes(rest), ["80"]);
    assert.equal(hook.seen.length, 1);
    hook.seen.length = 0;
    const gone = await call("DELETE", `${path("v2")}?fieldSelector=spec.size=80`);
    assert.deepEqual(sizes(gone), ["80", "80"]);
    assert.equal(hook.seen.length, 1);
  });

  it("are listed as they were asked about, though they change before the webhook answers", async () => {
    await call("POST", path("v1"), sample("v1", "u", { n: 90 }));
    for (const query of ["", "?fieldSelector=spec.size=90"]) {
      hook.answer = async (request, response) => {
        // So often that what was there before is kept for history alone.
        for (let n = 91; n <= 92 + windowLimits.unpackedMax; n++)
          await call("PATCH", `${path("v1")}/u`, { spec: { n } }, merge);
        response.end(JSON.stringify(success(request, converted(request))));
      };
      const { body } = await call("GET", `${path("v2")}${query}`);
      const listed = body.items.find(({ metadata }: Any) => metadata.name === "u");
      assert.deepEqual([listed?.apiVersion, listed?.spec], [`${group}/v2`, { size: "90" }]);
      converting(answerNamed("good"));
      await call("PATCH", `${path("v1")}/u`, { spec: { n: 90 } }, merge);
    }
    await call("DELETE", `${path("v1")}/u`);
  });

  it("are shown to admission webhooks in the version that a rule names", async () => {
    const own = await startTestHook();
    const rules = [{ operations: ["*"], apiGroups: [group], apiVersions: ["v2"], resources: ["samples"] }];
    own.answer = (request, response) =>
      response.end(reviewAnswer(request, patchOf([{ op: "replace", path: "/spec/size", value: "9" }])));
    try {
      await configure(api.admin, "mutating", "converted", [
        {
          name: "w.example.com",
          clientConfig: { url: own.url("/w"), caBundle: own.caBundle },
          rules,
          matchConditions: [{ name: "big", expression: "object.spec.size == '7'" }],
          sideEffects: "None",
          admissionReviewVersions: ["v1"],
        },
      ]);
      const made = await call("POST", path("v1"), sample("v1", "e", { n: 7 }));
      assert.deepEqual([made.code, made.body.spec], [201, { n: 9 }]);
      assert.deepEqual(own.seen[0]?.review.request.object.spec, { size: "7" });
    } finally {
      await unconfigure(api.admin, "mutating", "converted");
      await own.stop();
    }
  });

  it("stay readable and become what is stored now, once another version is stored", async () => {
    const url = `${definitions}/samples.${group}`;
    const { body } = await call("GET", url);
    for (const version of body.spec.versions) version.storage = version.name === "v2";
    assert.equal((await call("PUT", url, body)).code, 200);
    const isChanged = async (): Promise<void> => {
      hook.seen.length = 0;
      await call("GET", `${path("v1")}/a`);
      const stored = await call("POST", `${path("v1")}?dryRun=All`, sample("v1", "z", { n: 1 }));
      assert.equal(stored.code, 201);
      if (hook.seen.length === 0) return isChanged();
    };
    await isChanged();
    assert.deepEqual((await call("GET", `${path("v2")}/b`)).body.spec, { size: "5" });
    assert.deepEqual((await call("GET", `${path("v1")}/b`)).body.spec, { n: 5 });
    const labelled = { metadata: { labels: { a: "b" } } };
    assert.equal((await call("PATCH", `${path("v1")}/b`, labelled, merge)).code, 200);
    hook.seen.length = 0;
    assert.deepEqual((await call("GET", `${path("v2")}/b`)).body.spec, { size: "5" });
    assert.equal(hook.seen.length, 0);
    assert.deepEqual((await call("GET", url)).body.status.storedVersions, ["v1", "v2"]);
    assert.equal((await call("DELETE", `${path("v1")}/a`)).code, 200);
    assert.equal((await call("GET", `${path("v2")}/a`)).code, 404);
  });
});
