import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { type Deferred, deferred } from "../../../base/deferred.ts";
import { type Clock, systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { type Certificate, createAuthority, issueCertificate } from "../../../base/os/pki.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { RemoteJson } from "../authentication/remote-json.ts";
import { webhookAccess } from "../authentication/webhook-access.ts";
import { AuditWebhook } from "./webhook.ts";

interface Batch {
  readonly kind: string;
  readonly items: readonly { readonly n: number }[];
}

/** A request as it came in over TLS. */
interface Came {
  readonly batch: Batch;
  readonly user: string | undefined;
  readonly isTrusted: boolean;
  readonly authorization: string | undefined;
  readonly method: string | undefined;
  readonly path: string | undefined;
}

/** Bounds that are seconds long hold up nothing on a busy machine. */
const patientClock: Clock = {
  ...systemClock,
  after: (ms, fire) => (ms >= 1000 ? () => undefined : systemClock.after(ms, fire)),
};

const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("the audit webhook, against a server that speaks HTTPS", () => {
  let authority: Certificate;
  let server: Server;
  let folder: string;
  let url: string;
  const came: Came[] = [];
  const waiting: { readonly count: number; readonly done: Deferred<void> }[] = [];
  /** What the server answers next; 200 once it has said these. */
  let answers: number[] = [];
  const whenCame = (count: number): Promise<void> => {
    if (came.length >= count) return Promise.resolve();
    const done = deferred<void>();
    waiting.push({ count, done });
    return done.promise;
  };
  const answer = (response: ServerResponse) => {
    response.statusCode = answers.shift() ?? 200;
    response.end();
    for (const { count, done } of waiting) if (came.length >= count) done.resolve();
  };

  before(async () => {
    authority = await createAuthority({ name: "audit-ca" });
    const own = await issueCertificate(authority, {
      commonName: "audit",
      dnsNames: ["audit.example.com"],
      addresses: ["127.0.0.1"],
      usage: "server",
    });
    server = createServer(
      {
        cert: own.certificatePem,
        key: own.privateKeyPem,
        ca: authority.certificatePem,
        requestCert: true,
        rejectUnauthorized: false,
      },
      (request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
          const { socket, headers, method, url: path } = request;
          const isTls = socket instanceof TLSSocket;
          const subject = isTls ? socket.getPeerCertificate().subject : undefined;
          came.push({
            batch: JSON.parse(Buffer.concat(chunks).toString()),
            user: subject?.CN === undefined ? undefined : String(subject.CN),
            isTrusted: isTls && socket.authorized,
            authorization: headers.authorization,
            method,
            path,
          });
          answer(response);
        });
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
    folder = await mkdtemp(join(tmpdir(), "pintle-audit-"));
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    came.length = 0;
    waiting.length = 0;
    answers = [];
  });

  /** The kubeconfig that `--audit-webhook-config-file` names. */
  async function kubeconfig(ca = authority): Promise<string> {
    const client = await issueCertificate(authority, { commonName: "apiserver-audit", usage: "client" });
    const path = join(folder, "audit.kubeconfig");
    const user = {
      "client-certificate-data": base64(client.certificatePem),
      "client-key-data": base64(client.privateKeyPem),
      token: "audit-token",
    };
    const config = {
      apiVersion: "v1",
      kind: "Config",
      "current-context": "audit",
      contexts: [{ name: "audit", context: { cluster: "audit", user: "audit" } }],
      clusters: [
        {
          name: "audit",
          cluster: { server: url, "certificate-authority-data": base64(ca.certificatePem) },
        },
      ],
      users: [{ name: "audit", user }],
    };
    await writeFile(path, JSON.stringify(config));
    return path;
  }

  function webhook(path: string, batchEventsMax: number) {
    const { access, ...where } = webhookAccess(path);
    const lost: string[] = [];
    const hook = new AuditWebhook(
      {
        ...where,
        access,
        mode: "batch",
        initialBackoffMs: 5,
        bufferEventsMax: 100,
        batchEventsMax,
        batchWaitMs: 60_000,
        throttle: undefined,
        truncate: undefined,
      },
      {
        remote: new RemoteJson(access, patientClock),
        clock: patientClock,
        random: systemRandom,
        log: silentLog,
        failed: (plugin, events) => lost.push(`${plugin} ${events}`),
      },
    );
    return { hook, lost };
  }

  const line = (n: number) => `${JSON.stringify({ kind: "Event", n })}\n`;
  const numbers = () => came.map(({ batch }) => batch.items.map(({ n }) => n));

  it("sends batches, showing the certificate and the token of its kubeconfig", async () => {
    const { hook, lost } = webhook(await kubeconfig(), 2);
    for (let n = 0; n < 4; n++) hook.write(line(n));
    await whenCame(2);
    await hook.close();
    assert.deepEqual(numbers().sort(), [
      [0, 1],
      [2, 3],
    ]);
    for (const { batch, user, isTrusted, authorization, method, path } of came) {
      assert.deepEqual([batch.kind, method, path], ["EventList", "POST", "/events"]);
      assert.deepEqual([user, isTrusted, authorization], ["apiserver-audit", true, "Bearer audit-token"]);
    }
    assert.deepEqual(lost, []);
  });

  it("tries again where the server is broken, and loses nothing", async () => {
    answers = [503, 500, 429];
    const { hook, lost } = webhook(await kubeconfig(), 1);
    hook.write(line(7));
    await whenCame(4);
    await hook.close();
    assert.deepEqual(numbers(), [[7], [7], [7], [7]]);
    assert.deepEqual(lost, []);
  });

  it("does not repeat what the server refuses, and counts it as lost", async () => {
    answers = [400];
    const { hook, lost } = webhook(await kubeconfig(), 1);
    hook.write(line(8));
    await whenCame(1);
    await hook.close();
    assert.deepEqual([numbers(), lost], [[[8]], ["webhook 1"]]);
  });

  it("tells nothing to a server that another authority signed", async () => {
    const other = await createAuthority({ name: "another-ca" });
    const { hook, lost } = webhook(await kubeconfig(other), 1);
    hook.write(line(9));
    await hook.close();
    assert.deepEqual([numbers(), lost], [[], ["webhook 1"]]);
  });

  it("sends what still waits when the server ends", async () => {
    const { hook, lost } = webhook(await kubeconfig(), 50);
    for (let n = 0; n < 3; n++) hook.write(line(n));
    await hook.close();
    assert.deepEqual([numbers(), lost], [[[0, 1, 2]], []]);
  });
});
