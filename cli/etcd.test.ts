import assert from "node:assert/strict";
import { serverVersion } from "../store/flags.ts";
import { etcd } from "./etcd.ts";
import { runMember } from "./store.ts";

describe("the store by etcd's name", () => {
  const run = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const [out, err]: [string[], string[]] = [[], []];
    const status = await etcd(argv, {
      stdout: (text) => out.push(text),
      stderr: (text) => err.push(text),
      env,
      signal: AbortSignal.abort(),
      loadMember: async () => ({ runMember }),
    });
    return { status, out: out.join(""), err: err.join("") };
  };

  it("tells its version in etcd's lines", async () => {
    const { status, out } = await run(["--version"]);
    assert.equal(status, 0);
    assert.match(
      out,
      new RegExp(
        `^etcd Version: ${serverVersion.replaceAll(".", "\\.")}\nGit SHA: .+\nNode Version: .+\nNode OS/Arch: .+/.+\n$`,
      ),
    );
    assert.match(serverVersion, /^3\.7\.\d+$/);
  });

  it("shows its flags and ends well when it is asked for help", async () => {
    const { status, out } = await run(["-h"]);
    assert.equal(status, 0);
    assert.match(out, /--listen-client-urls/);
  });

  it("ends with 2 for flags that cannot be read, with 1 and a line of the log for what they say", async () => {
    const unknown = await run(["--no-such"]);
    assert.equal(unknown.status, 2);
    assert.match(unknown.err, /^unknown flag --no-such\n/);
    assert.equal((await run([], { ETCD_HEARTBEAT_INTERVAL: "soon" })).status, 2);

    for (const [argv, error] of [
      [["start"], '"start" is not a valid flag'],
      [["--cert-file=a"], "--cert-file and --key-file must be given together"],
    ] as const) {
      const { status, err } = await run(argv);
      assert.equal(status, 1);
      const last = JSON.parse(err.trim().split("\n").at(-1) ?? "");
      assert.deepEqual(
        { ...last, ts: "" },
        { level: "warn", ts: "", caller: "etcdmain", msg: "failed to verify flags", error },
      );
    }
  });

  it("refuses to be a proxy", async () => {
    for (const proxy of ["gateway", "grpc-proxy"]) {
      const { status, err } = await run([proxy, "start"]);
      assert.equal(status, 1);
      assert.equal(JSON.parse(err).command, proxy);
    }
  });
});
