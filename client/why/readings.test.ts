import assert from "node:assert/strict";
import fc from "fast-check";
import { certificatesIn, isForHost } from "./certificates.ts";
import { nameNotResolved } from "./dns.ts";
import { exitText } from "./exit-codes.ts";
import { finding } from "./finding.ts";
import { causeOfReason, refusedInMessage } from "./refused-nodes.ts";
import { findingsText } from "./text.ts";

describe("client/why: what texts of others tell", () => {
  it("reads what a scheduler's message counts, whoever wrote it", () => {
    const read = (message: string) => refusedInMessage(message);
    const message =
      "0/5 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.";
    assert.deepEqual(
      read(message).refused.map(({ reason, count }) => [count, causeOfReason(reason)]),
      [
        [1, "unschedulable-taint"],
        [2, "unschedulable-resources"],
        [2, "unschedulable-affinity"],
      ],
    );
    assert.equal(read(message).total, 5);
    assert.deepEqual(read("no nodes available to schedule pods"), { total: 0, refused: [] });
    assert.equal(causeOfReason("node(s) had volume node affinity conflict"), "unschedulable-volume");
    assert.equal(
      causeOfReason("node(s) didn't satisfy existing pods anti-affinity rules"),
      "unschedulable-pod-affinity",
    );
    fc.assert(
      fc.property(fc.string(), (text) => read(`0/3 nodes are available: ${text}`).refused.length <= 50),
    );
  });

  it("reads exit codes aloud", () => {
    assert.equal(exitText(127), "exit code 127, its command is not there");
    assert.equal(exitText(137), "exit code 137, signal 9, SIGKILL: it was killed");
    assert.equal(exitText(139), "exit code 139, signal 11, SIGSEGV: a memory fault");
    assert.equal(
      exitText(137, "OOMKilled"),
      "it took more memory than its limit, and was killed (OOMKilled)",
    );
    assert.equal(exitText(42), "exit code 42");
    assert.equal(exitText(undefined, "ContainerCannotRun"), "ContainerCannotRun");
  });

  it("finds the name that did not resolve, as programs of many languages say it", () => {
    const said: readonly (readonly [string, string | undefined])[] = [
      ["dial tcp: lookup db.shop on 10.96.0.10:53: no such host", "db.shop"],
      ["Error: getaddrinfo ENOTFOUND db", "db"],
      ["curl: (6) Could not resolve host: api.shop.svc", "api.shop.svc"],
      [
        'psycopg2.OperationalError: could not translate host name "db" to address: Name or service not known',
        "db",
      ],
      ["Caused by: java.net.UnknownHostException: kafka-0.kafka", "kafka-0.kafka"],
      ["nslookup: can't resolve 'redis'", "redis"],
      ["wget: bad address 'web:8080'", "web"],
      ["ping: db: Temporary failure in name resolution", "db"],
      ["connection refused", undefined],
    ];
    for (const [line, host] of said) assert.equal(nameNotResolved([line]), host, line);
    fc.assert(fc.property(fc.string(), (line) => (nameNotResolved([line]) ?? "").length <= 255));
  });

  it("takes no text for a certificate that is none, and knows what wildcards stand for", () => {
    assert.throws(() => certificatesIn(btoa("hello")), /no PEM certificate/);
    const body = (text: string) => btoa(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`);
    assert.throws(() => certificatesIn(body(btoa("\x30\x03\x02\x01\x01"))));
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        assert.throws(() => certificatesIn(body(btoa(String.fromCharCode(...bytes)))), Error);
      }),
    );
    const certificate = { notBeforeMs: 0, notAfterMs: 0, names: ["*.shop.example", "shop.example"] };
    assert.deepEqual(
      ["shop.example", "WWW.shop.example", "a.b.shop.example", "example"].map((host) =>
        isForHost(certificate, host),
      ),
      [true, true, false, false],
    );
  });

  it("lets nobody's text move a terminal's cursor or fill it", () => {
    const pod = { kind: "Pod", metadata: { name: "web" } };
    const found = finding("crash", pod, `a\u001b[2Jb\nc\u202e${"x".repeat(1000)}`);
    const text = findingsText("pod/web", [found]);
    assert.equal(text.split("\n").length, 2);
    assert.doesNotMatch(text.trimEnd(), /[\u0000-\u001f\u202e]/);
    assert.ok(text.length < 700);
  });
});
