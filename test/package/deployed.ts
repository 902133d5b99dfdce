import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unitText } from "../../cli/machines/units.ts";
import { isCommand } from "../../cli/up/plan.ts";
import { type Installed, root } from "./installed.ts";
import { run, succeed } from "./programs.ts";

const folder = join(root, "examples/deploy");
const nobody = 65_534;
const readyWithinMs = 60_000;

/** Declares the tests of examples/deploy, with the packed package that `installed` gives. */
export function describeDeployment(installed: () => Installed): void {
  describe("examples/deploy", () => {
    for (const name of ["store", "server", "agent"])
      it(`has a unit that systemd takes: pintle-${name} (needs systemd-analyze)`, async () => {
        // Slim images have none.
        if (!isCommand("systemd-analyze")) return;
        const text = await readFile(join(folder, `pintle-${name}.service`), "utf8");
        const place = join(installed().folder, `pintle-${name}.service`);
        await writeFile(place, text.replace("/usr/local/bin/pintle", join(installed().packed, "bin/pintle")));
        const { status, output } = await run(["systemd-analyze", "verify", "--man=no", place], {
          cwd: installed().folder,
        });
        assert.deepEqual({ status, output }, { status: 0, output: "" });
      });

    it("has the unit of an agent as `pintle install agent` writes it", async () => {
      const flags = ["--server=https://10.0.0.1:6443"];
      assert.equal(
        await readFile(join(folder, "pintle-agent.service"), "utf8"),
        unitText({ kind: "agent", program: ["/usr/local/bin/pintle"], flags }),
      );
    });

    it("has units whose folders systemd makes, and whose flags there are", async () => {
      for (const [unit, command] of [
        ["pintle-store", "store"],
        ["pintle-server", "server"],
      ] as const) {
        const text = await readFile(join(folder, `${unit}.service`), "utf8");
        const [, words = ""] =
          new RegExp(`^ExecStart=/usr/local/bin/pintle ${command} (.*)$`, "m").exec(text) ?? [];
        assert.match(text, new RegExp(`^StateDirectory=${unit}$`, "m"));
        assert.equal(words, `--data-dir /var/lib/${unit}/data`);
      }
    });

    it("has a Dockerfile whose image's store serves, is healthy and is nobody's", async () => {
      const place = await mkdtemp(join(tmpdir(), "pintle-package-image-"));
      let store: ChildProcess | undefined;
      try {
        await chmod(place, 0o755);
        const lines = instructions(await readFile(join(folder, "Dockerfile"), "utf8"));
        const [build = ""] = lines.filter(({ word }) => word === "RUN").map(({ rest }) => rest);
        const tarball = join(installed().examples, "pintle.tgz");
        assert.ok(build.includes("/tmp/pintle.tgz"));
        const script = build.replace("/tmp/pintle.tgz", `--prefer-offline ${tarball}`);
        await succeed(["sh", "-euc", script], { cwd: place });
        const data = join(place, "data");
        await mkdir(data, { mode: 0o700 });
        const port = await freePort();
        const words = (word: string): string[] =>
          JSON.parse(lines.find((line) => line.word === word)?.rest.replace(/^.*?(?=\[)/, "") ?? "[]");
        const here = (word: string) =>
          word
            .replaceAll("/var/lib/pintle", data)
            .replaceAll(":2379", `:${port}`)
            .replace("0.0.0.0", "127.0.0.1");
        assert.deepEqual(words("ENTRYPOINT"), ["pintle"]);
        const peers = ["--listen-peer-urls", `http://127.0.0.1:${await freePort()}`];
        const program = [join(place, "node_modules/pintle/bin/pintle"), ...words("CMD").map(here), ...peers];
        store = await startAsNobody([process.execPath, ...program], data);
        const health = words("HEALTHCHECK").map(here);
        assert.equal(health[0], "node");
        assert.equal((await run([process.execPath, ...health.slice(1)], { cwd: place })).status, 0);
      } finally {
        if (store !== undefined && store.exitCode === null) {
          const ended = once(store, "exit");
          store.kill("SIGKILL");
          await ended;
        }
        await rm(place, { recursive: true, force: true });
      }
    });
  });
}

/** A Dockerfile's instructions, each in one line. */
function instructions(text: string): readonly { readonly word: string; readonly rest: string }[] {
  const lines = text
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, "")
    .split("\n");
  return lines
    .filter((line) => line !== "")
    .map((line) => ({ word: line.split(" ", 1)[0] ?? "", rest: line.slice(line.indexOf(" ") + 1) }));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Resolves when it says that it serves. Without root, or without setpriv, it is this process' user who runs it. */
async function startAsNobody(program: readonly string[], data: string): Promise<ChildProcess> {
  const isRoot = process.getuid?.() === 0 && isCommand("setpriv");
  if (isRoot) await chown(data, nobody, nobody);
  const ids = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  const bare = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"];
  const [command = "", ...words] = [...(isRoot ? ["setpriv", ...ids, ...bare] : []), ...program];
  const env = { PATH: process.env.PATH, HOME: data };
  const store = spawn(command, words, { env, cwd: data, stdio: ["ignore", "ignore", "pipe"] });
  const late = setTimeout(() => store.kill("SIGKILL"), readyWithinMs);
  try {
    await new Promise<void>((resolve, reject) => {
      let said = "";
      store.stderr.on("data", (chunk) => {
        said += chunk;
        if (said.includes("ready to serve client requests")) resolve();
      });
      store.once("error", reject);
      store.once("exit", (code, signal) => reject(new Error(`the store ended (${code ?? signal}): ${said}`)));
    });
    return store;
  } finally {
    clearTimeout(late);
  }
}
