import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { connectPodPort } from "./pod-port.ts";
import type { SandboxRecord } from "./records.ts";

const port = 8123;
/** Listens at localhost, answers each connection in capitals once it has heard all of it. */
const listener = `
use strict; use Socket;
socket my $s, AF_INET, SOCK_STREAM, 0; setsockopt $s, SOL_SOCKET, SO_REUSEADDR, 1;
bind $s, pack_sockaddr_in ${port}, inet_aton '127.0.0.1' or die $!; listen $s, 5;
$| = 1; print "ready\\n";
while (accept my $c, $s) { local $/; my $said = <$c>; print $c uc $said; close $c }
`;

function heard(stream: Duplex): Promise<string> {
  const pieces: Buffer[] = [];
  stream.on("data", (piece) => pieces.push(piece));
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("end", () => resolve(Buffer.concat(pieces).toString()));
  });
}

const record = (more: object) =>
  ({ id: "s", config: { hostNetwork: false }, ...more }) as unknown as SandboxRecord;
const ready = () => true;

describe("a connection to a pod's port", () => {
  describe("that has a network of its own", () => {
    let pod: ChildProcess | undefined;
    before(async function () {
      if (process.getuid?.() !== 0) return this.skip();
      const script = 'ip link set lo up && exec perl -e "$1"';
      const child = spawn("unshare", ["--net", "sh", "-c", script, "sh", listener]);
      pod = child;
      await once(child.stdout, "data");
    });
    after(() => pod?.kill("SIGKILL"));

    it("is made inside, at localhost, and each of its directions ends on its own", async () => {
      const sandbox = record({ pause: { pid: pod?.pid } });
      for (const text of ["hello", "x".repeat(3 * 1024 * 1024)]) {
        const connection = await connectPodPort(sandbox, ready, port);
        const all = heard(connection);
        connection.end(text);
        assert.equal(await all, text.toUpperCase());
      }
    });

    it("is refused in words that name both of its addresses", async () => {
      await assert.rejects(
        connectPodPort(record({ pause: { pid: pod?.pid } }), ready, port + 1),
        /IPv4: dial tcp4 127\.0\.0\.1:8124: connect: connection refused IPv6: dial tcp6 \[::1\]:8124: connect: /,
      );
      await assert.rejects(
        connectPodPort(record({ pause: { pid: 2 ** 22 } }), ready, port),
        /cannot be entered/,
      );
    });
  });

  it("goes to the pod's own address where it has no network of its own, and nowhere where it does not run", async () => {
    const server = createServer((socket) => socket.end("hi"));
    await once(server.listen(0, "127.128.5.5"), "listening");
    const at = (server.address() as AddressInfo).port;
    const own = record({ address: { podIp: "127.128.5.5" } });
    const connection = await connectPodPort(own, ready, at);
    assert.equal(await heard(connection), "hi");
    connection.destroy();
    const other = record({ address: { podIp: "127.128.5.6" } });
    await assert.rejects(
      connectPodPort(other, ready, at),
      /dial tcp 127\.128\.5\.6:\d+: connect: connection refused/,
    );
    await assert.rejects(
      connectPodPort(own, () => false, at),
      /sandbox container "s" is not running/,
    );
    await assert.rejects(connectPodPort(undefined, ready, at), /sandbox not found/);
    server.close();
  });
});
