import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeKubernetesProtobuf } from "./schema/protobuf-envelope.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { pod } from "./testing-objects.ts";

const revisions = "/apis/apps/v1/namespaces/default/controllerrevisions";
const pods = "/api/v1/namespaces/default/pods";

describe("whole numbers that clients bring", () => {
  let server: TestApiserver;
  before(async () => {
    server = await startTestApiserver();
  });
  after(() => server.stop());

  /** Near the borders of what is exact, and anywhere in 64 bits. */
  const number = fc.oneof(
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
    fc.bigInt({ min: -(2n ** 53n) - 3n, max: -(2n ** 53n) + 3n }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  );
  /** Raw text, since JavaScript cannot say such numbers. */
  const revision = (name: string, digits: bigint, inData: bigint) =>
    `{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{"name":"${name}"},"revision":${digits},"data":{"a":[{"b":${inData}}]}}`;
  const isExact = (value: bigint) => BigInt.asIntN(54, value) === value && value !== -(2n ** 53n);

  it("are stored and read as they were, or refused by name where fields count with them: in JSON, YAML, apply and patches", async () => {
    let made = 0;
    await fc.assert(
      fc.asyncProperty(number, number, fc.nat(4), async (digits, inData, how) => {
        const name = `r${made++}`;
        // No int64 is minus the lowest.
        const [asked, wanted] = [digits < 0n ? -(digits + 1n) : digits, inData];
        const raw = Buffer.from(revision(name, asked, inData));
        const at = `${revisions}/${name}`;
        const base = () =>
          server.admin.call("POST", revisions, {
            body: Buffer.from(revision(name, 1n, inData)),
            type: "application/json",
          });
        const patch = async (type: string, text: string) => {
          assert.equal((await base()).code, 201);
          return server.admin.call("PATCH", `${at}?fieldManager=m`, { body: Buffer.from(text), type });
        };
        const change = `{"revision":${asked},"data":{"a":[{"b":${wanted}}]}}`;
        const answer = await [
          () => server.admin.call("POST", revisions, { body: raw, type: "application/json" }),
          () =>
            server.admin.call("POST", revisions, {
              body: Buffer.from(`# YAML\n${raw}`),
              type: "application/yaml",
            }),
          () =>
            server.admin.call("PATCH", `${at}?fieldManager=m`, {
              body: raw,
              type: "application/apply-patch+yaml",
            }),
          () => patch("application/merge-patch+json", change),
          () =>
            patch(
              "application/json-patch+json",
              `[{"op":"replace","path":"/revision","value":${asked}},{"op":"replace","path":"/data","value":{"a":[{"b":${wanted}}]}}]`,
            ),
        ][how]?.();
        assert.ok(answer);
        if (!isExact(asked)) {
          // What a patch makes is the patch's fault.
          assert.ok(answer.code === 400 || answer.code === 422, answer.text);
          assert.match(answer.text, new RegExp(`revision: number ${asked} cannot be kept exactly`));
          return;
        }
        assert.ok(answer.code < 300, answer.text);
        const { text } = await server.admin.call("GET", at);
        assert.ok(text.includes(`"revision":${asked}`) && text.includes(`"b":${wanted}`), text);
      }),
      { numRuns: 150 },
    );
  });

  it("are refused by name where an int64 field of a pod's would be rounded", async () => {
    const body = JSON.stringify(pod("large")).replace(
      '"spec":{',
      '"spec":{"activeDeadlineSeconds":9007199254740993,',
    );
    const answer = await server.admin.call("POST", pods, {
      body: Buffer.from(body),
      type: "application/json",
    });
    assert.equal(answer.code, 400);
    assert.match(answer.body.message, /spec\.activeDeadlineSeconds: number 9007199254740993 cannot be kept/);
  });

  it("are refused by name in protobuf beyond what is exact, and kept within", async () => {
    const object = (revision: number) => ({
      apiVersion: "apps/v1",
      kind: "ControllerRevision",
      metadata: { name: "proto" },
      data: { a: 1 },
      revision,
    });
    const post = (revision: number) =>
      server.admin.call("POST", revisions, {
        body: Buffer.from(encodeKubernetesProtobuf(object(revision))),
        type: "application/vnd.kubernetes.protobuf",
      });
    for (const beyond of [2 ** 53, 2 ** 62, -(2 ** 53)]) {
      const refused = await post(beyond);
      assert.equal(refused.code, 400);
      assert.match(
        refused.body.message,
        new RegExp(`revision: number ${BigInt(beyond)} cannot be kept exactly`),
      );
    }
    const kept = await post(Number.MAX_SAFE_INTEGER);
    assert.deepEqual([kept.code, kept.body.revision], [201, Number.MAX_SAFE_INTEGER]);
  });

  it("are taken in 64 bits as options, with Go's words for others", async () => {
    const list = async (query: string) => (await server.admin.call("GET", `${pods}?${query}`)).body.message;
    assert.equal(await list("limit=9223372036854775807&timeoutSeconds=9223372036854775807"), undefined);
    assert.equal(
      await list("limit=9223372036854775808"),
      'strconv.ParseInt: parsing "9223372036854775808": value out of range',
    );
    for (const empty of ["limit=", "timeoutSeconds=", "watch=1&timeoutSeconds=", "limit=&limit=1"])
      assert.equal(await list(empty), 'strconv.ParseInt: parsing "": invalid syntax', empty);
    assert.equal(await list("timeoutSeconds=1.5"), 'strconv.ParseInt: parsing "1.5": invalid syntax');
    await server.admin.call("POST", pods, { body: pod("doomed") });
    const unread = await server.admin.call("DELETE", `${pods}/doomed?gracePeriodSeconds=`);
    assert.deepEqual(
      [unread.code, unread.body.message],
      [400, 'strconv.ParseInt: parsing "": invalid syntax'],
    );
    const { code, body } = await server.admin.call("DELETE", `${pods}/doomed`, {
      body: { gracePeriodSeconds: 1.5 },
    });
    assert.deepEqual(
      [code, body.message],
      [
        400,
        "json: cannot unmarshal number 1.5 into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
      ],
    );
  });
});
