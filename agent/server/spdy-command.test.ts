import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { handshake } from "./spdy/handshake.ts";
import { serveSpdyCommand, spdyCommandProtocols } from "./spdy-command.ts";
import { spdyPair } from "./testing/spdy-client.ts";

describe("remote command over SPDY", () => {
  /** A process that repeats its input, complains once, and ends with a code when its input does. */
  function process(exitCode: number) {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const exited = deferred<number>();
    const sizes: string[] = [];
    let kills = 0;
    stderr.end("err");
    stdin.on("data", (data) => stdout.write(data));
    stdin.on("end", () => {
      exited.resolve(exitCode);
      stdout.end();
    });
    return {
      session: {
        stdin,
        stdout,
        stderr,
        resize: (columns: number, rows: number) => void sizes.push(`${columns}x${rows}`),
        exited: exited.promise,
        kill: () => {
          kills++;
          stdout.end();
          exited.resolve(137);
        },
      },
      sizes,
      kills: () => kills,
    };
  }
  const all = { stdin: true, stdout: true, stderr: true, tty: false };
  const serve = async (protocol: string, exitCode = 0, wanted = all) => {
    const { near, client } = await spdyPair();
    const ran = process(exitCode);
    const served = serveSpdyCommand(near, {
      protocol,
      wanted,
      clock: systemClock,
      start: async () => ran.session,
    });
    for (const [at, streamtype] of ["error", "stdin", "stdout", "stderr"].entries())
      client.open(at * 2 + 1, { streamtype });
    return { client, served, ran };
  };

  it("carries every stream, and then tells how the process ended, in each version's form", async () => {
    for (const protocol of spdyCommandProtocols)
      for (const exitCode of [0, 7]) {
        const { client, served } = await serve(protocol, exitCode);
        const long = "hello ".repeat(100_000);
        client.say(3, long, true);
        await client.until(() => client.hasEnded(1));
        assert.deepEqual([client.said(5), client.said(7)], [long, "err"]);
        const text = "command terminated with non-zero exit code: exit status 7";
        if (protocol !== "v4.channel.k8s.io") assert.equal(client.said(1), exitCode === 0 ? "" : text);
        else {
          const { status, details } = JSON.parse(client.said(1));
          assert.equal(status, exitCode === 0 ? "Success" : "Failure");
          assert.deepEqual(
            details?.causes,
            exitCode === 0 ? undefined : [{ reason: "ExitCode", message: "7" }],
          );
        }
        await client.closed();
        await served;
      }
  });

  it("kills the process when the client goes, and lets it run on when only its output is not wanted any more", async () => {
    const { client, served, ran } = await serve("v4.channel.k8s.io");
    client.say(3, "x");
    await client.until(() => client.said(5) === "x");
    client.reset(5);
    client.say(3, "y".repeat(1024 * 1024));
    client.say(3, "", true);
    await client.until(() => client.hasEnded(1));
    assert.equal(ran.kills(), 0);
    await served;
    const other = await serve("v4.channel.k8s.io");
    other.client.say(3, "x");
    await other.client.until(() => other.client.said(5) === "x");
    other.client.socket.destroy();
    await other.served;
    assert.equal(other.ran.kills(), 1);
  });

  it("follows the sizes of a terminal, however they are cut", async () => {
    const wanted = { stdin: true, stdout: true, stderr: false, tty: true };
    const { near, client } = await spdyPair();
    const ran = process(0);
    const served = serveSpdyCommand(near, {
      protocol: "v4.channel.k8s.io",
      wanted,
      clock: systemClock,
      start: async () => ran.session,
    });
    for (const [at, streamtype] of ["error", "stdin", "stdout", "resize"].entries())
      client.open(at * 2 + 1, { streamtype });
    client.say(7, '{"Width":80,"Hei');
    client.say(7, 'ght":24}\n{"Width":1');
    client.say(7, '00,"Height":30}\n{"Width":-1}{nonsense}');
    client.say(3, "x", true);
    await client.until(() => client.hasEnded(1));
    await served;
    assert.deepEqual(ran.sizes, ["80x24", "100x30"]);
  });

  it("agrees on the first protocol that both know, or says in Kubernetes' words why on none", () => {
    assert.deepEqual(handshake("v9.channel.k8s.io, v3.channel.k8s.io", spdyCommandProtocols), {
      protocol: "v3.channel.k8s.io",
    });
    assert.equal(
      (handshake("v9.channel.k8s.io", ["a", "b"]) as { missing: string }).missing,
      "unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io], server accepts [a b]",
    );
    assert.equal((handshake(undefined, ["a"]) as { code: number }).code, 400);
    assert.equal((handshake(" , ", ["a"]) as { code: number }).code, 400);
  });
});
