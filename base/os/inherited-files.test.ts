import { strict as assert } from "node:assert";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const module = new URL("./inherited-files.ts", import.meta.url).href;

describe("closeInheritedFiles", function () {
  this.timeout(120_000);

  /** What a child still has of its starter's descriptors 250 and 251. */
  const left = async (call: string, ...words: string[]) => {
    const program = `
      const { closeInheritedFiles } = await import(${JSON.stringify(module)});
      const { spawnSync } = await import("node:child_process");
      ${call};
      const { stdout } = spawnSync("sh", ["-c", "ls /proc/self/fd"], { stdio: ["ignore", "pipe", "inherit"] });
      process.stdout.write(String(stdout));`;
    const script = 'exec 250</dev/null 251</dev/null; exec "$@"';
    const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", program, "--", ...words];
    const { stdout } = await run("bash", ["-c", script, "bash", ...node]);
    return stdout.split("\n").filter((number) => /^25[01]$/.test(number));
  };

  it("keeps a starter's files from our children, but for those that the command line names", async () => {
    assert.deepEqual(await left(""), ["250", "251"], "the runtime itself passes them on");
    const call = "closeInheritedFiles(process.argv, process.env)";
    assert.deepEqual(await left(call), []);
    assert.deepEqual(await left(call, "--config-file=/dev/fd/250"), ["250"]);
  });
});
