import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import type { ChildMemory, ChildServer } from "./testing-child.ts";

const megabyte = 1024 * 1024;
/** The child's whole heap: whoever keeps a multiple of what clients send dies of it. */
const heapMegabytes = 320;
/** What the server may hold more than before, when all is over: recent changes for watches, and what each connection costs. */
const grownBytesMax = 160 * megabyte;

const configMaps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, data: Readonly<Record<string, string>>) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data });

describe("hostile clients", () => {
  let child: ChildProcess;
  /** What the child writes, however it ends. */
  let folder: string;
  let tls: {
    readonly host: string;
    readonly port: number;
    readonly ca: Buffer;
    readonly cert: Buffer;
    readonly key: Buffer;
  };
  let agent: Agent | undefined;
  const sockets: TLSSocket[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "hostile-memory-"));
    child = fork(fileURLToPath(new URL("./testing-child.ts", import.meta.url)), {
      execArgv: ["--import", "tsx", "--expose-gc", `--max-old-space-size=${heapMegabytes}`],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      env: { ...process.env, TMPDIR: folder },
    });
    const [{ kubeconfig }] = (await once(child, "message")) as [ChildServer];
    const { clusters, users } = JSON.parse(readFileSync(kubeconfig, "utf8"));
    const url = new URL(clusters[0].cluster.server);
    const pem = (text: string) => Buffer.from(text, "base64");
    tls = {
      host: url.hostname,
      port: Number(url.port),
      ca: pem(clusters[0].cluster["certificate-authority-data"]),
      cert: pem(users[0].user["client-certificate-data"]),
      key: pem(users[0].user["client-key-data"]),
    };
    agent = new Agent({ ...tls, keepAlive: true, maxSockets: 20 });
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    agent?.destroy();
    if (child.connected) {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    }
    rmSync(folder, { recursive: true });
  });

  const memory = async (): Promise<number> => {
    const answer = once(child, "message") as Promise<[ChildMemory]>;
    child.send("memory");
    return (await answer)[0].heldBytes;
  };

  /** The status; 0 where the server closed the connection. */
  const send = (method: string, path: string, body = "", type = "application/json") =>
    new Promise<number>((resolve) => {
      const headers = { "content-type": type, "content-length": Buffer.byteLength(body) };
      const request = httpsRequest({ ...tls, agent, method, path, headers }, (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
        response.on("error", () => resolve(0));
      });
      request.on("error", () => resolve(0));
      request.end(body);
    });

  /** A connection on which that is written, and nothing is ever read. */
  const half = async (written: string): Promise<void> => {
    const socket = connect(tls);
    sockets.push(socket);
    socket.on("error", () => undefined);
    await once(socket, "secureConnect");
    socket.pause();
    socket.write(written);
  };

  const many = <T>(count: number, make: (at: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, at) => make(at)));

  it("leave a server with little memory alive, and no bigger than it may be", async function () {
    this.timeout(600_000);
    assert.equal(await send("POST", configMaps, configMap("first", {})), 201);
    const before = await memory();

    const large = configMap("large", { a: "x".repeat(10 * megabyte) });
    for (const code of await many(40, () => send("POST", configMaps, large)))
      assert.ok(code === 413 || code === 0, `a body of 10 MB: ${code}`);

    const deep = ["[".repeat(megabyte), '{"a":'.repeat(400_000), "[".repeat(2 * megabyte)];
    for (const type of ["application/json", "application/yaml"])
      for (const code of await many(12, (at) => send("POST", configMaps, deep[at % deep.length], type)))
        assert.ok(code === 400 || code === 0, `deep nesting: ${code}`);

    const annotations = Object.fromEntries(
      Array.from({ length: 100_000 }, (_, at) => [`example.com/a${at}`, "x"]),
    );
    const annotated = JSON.stringify({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "annotated", annotations },
    });
    for (const code of await many(10, () => send("POST", configMaps, annotated)))
      assert.ok(code === 422 || code === 413 || code === 429, `100,000 annotations: ${code}`);

    // Heads that never end, and bodies of which little ever comes.
    await many(100, () => half("POST /api/v1/namespaces HTTP/1.1\r\nHost: a\r\nX-Slow: "));
    await many(100, () =>
      half(
        `POST ${configMaps} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\n\r\n{`,
      ),
    );

    // Watches whose clients never read, while much changes.
    await many(150, () => half(`GET ${configMaps}?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n`));
    const data = { a: "y".repeat(200_000) };
    for (let round = 0; round < 6; round++)
      await many(20, (at) =>
        send("PUT", `${configMaps}/first`, configMap("first", { ...data, round: `${round} ${at}` })),
      );

    assert.equal(await send("GET", `${configMaps}/first`), 200, "the server still answers");
    assert.equal(child.exitCode, null);
    const grown = (await memory()) - before;
    assert.ok(grown < grownBytesMax, `the server holds ${Math.round(grown / megabyte)} MB more`);
  });
});
