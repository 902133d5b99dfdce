import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { type Duplex, Readable } from "node:stream";
import { WebSocketServer } from "ws";
import { parseFlags } from "../../base/os/flags.ts";
import { issueCertificate } from "../../base/os/pki.ts";
import type { Command } from "../../cli/command.ts";
import { execCommand } from "../../cli/kubectl/exec.ts";
import { logsCommand } from "../../cli/kubectl/logs.ts";
import { loadKubeconfig } from "../../client/kubeconfig.ts";
import { resources } from "../../client/resources.ts";
import { RestClient } from "../../client/rest.ts";
import { startTestApiserver, type TestApiserver } from "../../controlplane/apiserver/testing.ts";

/** A node's server as the API server sees one: answers logs, and runs "commands" that echo their input. */
describe("integration: logs and exec through the API server", () => {
  let server: TestApiserver;
  let client: RestClient;
  let node: Server;
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered][0] ?? false,
  });
  const asked: string[] = [];

  before(async () => {
    server = await startTestApiserver();
    client = new RestClient(loadKubeconfig(server.kubeconfig));
    const certificate = await issueCertificate(server.authority, {
      commonName: "system:node:n1",
      addresses: ["127.0.0.1"],
      usage: "both",
    });
    node = createServer(
      { cert: certificate.certificatePem, key: certificate.privateKeyPem },
      (request, response) => {
        asked.push(request.url ?? "");
        response.end("first line\nsecond line ä\n");
      },
    );
    node.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      asked.push(request.url ?? "");
      sockets.handleUpgrade(request, socket, head, (far) => {
        far.on("message", (data: Buffer) => {
          if (data[0] === 0)
            far.send(Buffer.concat([Buffer.from([1]), Buffer.from("echo "), data.subarray(1)]));
          if (data[0] !== 255) return;
          const details = { causes: [{ reason: "ExitCode", message: "7" }] };
          const verdict = { kind: "Status", status: "Failure", reason: "NonZeroExitCode", details };
          far.send(Buffer.concat([Buffer.from([3]), Buffer.from(JSON.stringify(verdict))]));
          far.close();
        });
      });
    });
    await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
    const { port } = node.address() as AddressInfo;
    await client.create(resources.nodes, { metadata: { name: "n1" }, spec: {} });
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    };
    await client.patch(resources.nodes, { name: "n1" }, { status }, { type: "merge", subresource: "status" });
    await client.create(resources.pods, {
      metadata: { name: "p", namespace: "default" },
      spec: { nodeName: "n1", containers: [{ name: "main", image: "i" }] },
    });
    const running = {
      phase: "Running",
      containerStatuses: [
        { name: "main", ready: true, restartCount: 0, image: "i", imageID: "", state: { running: {} } },
      ],
    };
    await client.patch(
      resources.pods,
      { name: "p", namespace: "default" },
      { status: running },
      { type: "merge", subresource: "status" },
    );
  });

  after(async () => {
    client.close();
    await server.stop();
    sockets.close();
    node.closeAllConnections();
    await new Promise((resolve) => node.close(resolve));
  });

  const run = async (command: Command, words: readonly string[], input = "") => {
    const out = { stdout: "", stderr: "" };
    const stdin = Readable.from([Buffer.from(input)]) as unknown as NodeJS.ReadStream;
    stdin.unref = () => stdin;
    const code = await command.run(parseFlags(command.flags, words), {
      stdout: (text) => {
        out.stdout += text;
      },
      stderr: (text) => {
        out.stderr += text;
      },
      stdin,
      env: {},
      signal: new AbortController().signal,
      client: () => client,
    });
    return { code, ...out };
  };

  it("shows a container's logs", async () => {
    const { code, stdout } = await run(logsCommand, ["pod/p", "--tail", "2", "--timestamps"]);
    assert.equal(code, 0);
    assert.equal(stdout, "first line\nsecond line ä\n");
    assert.match(asked.at(-1) ?? "", /^\/containerLogs\/default\/p\/main\?/);
    assert.match(asked.at(-1) ?? "", /tailLines=2/);
    await assert.rejects(
      run(logsCommand, ["p", "-c", "other"]),
      /container other is not valid for pod p; it has main/,
    );
    await assert.rejects(run(logsCommand, ["nobody"]), /pods "nobody" not found/);
  });

  it("runs a command, passes input on, and brings its exit code back", async () => {
    const { code, stdout, stderr } = await run(execCommand, ["-i", "p", "--", "cat", "-"], "hello");
    assert.equal(stdout, "echo hello");
    assert.equal(stderr, "command terminated with exit code 7\n");
    assert.equal(code, 7);
    assert.match(asked.at(-1) ?? "", /^\/exec\/default\/p\/main\?command=cat&command=-/);
    await assert.rejects(run(execCommand, ["p"]), /which command\?/);
  });
});
