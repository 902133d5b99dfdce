import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RuntimeError, type SandboxConfig } from "../seam.ts";
import { birthOf, type ProcessId } from "../supervised/process-birth.ts";
import { shimFile } from "../supervised/start-shim.ts";

/** As long as the kubelet gives its runtime: where other namespaces are being taken down, the kernel makes none. */
const startMs = 120_000;

/** Starts the process that holds a pod's namespaces. It outlives us. */
export async function startPause(
  config: Pick<SandboxConfig, "users" | "hostIpc" | "hostNetwork" | "sharedPid" | "hostname" | "sysctls">,
  dir: string,
  { program = shimFile("pause.pl"), timeoutMs = startMs } = {},
): Promise<ProcessId> {
  if (program === undefined) throw new RuntimeError("agent/runtime/shim/pause.pl is missing");
  const users = config.users === undefined ? [] : [`user:${config.users.first}:${config.users.length}`];
  const namespaces = [...users, "uts"];
  if (!config.hostIpc) namespaces.push("ipc");
  if (!config.hostNetwork) namespaces.push("net");
  if (config.sharedPid) namespaces.push("pid");
  const sysctls = Object.entries(config.sysctls).map(([name, value]) => `${name}=${value}`);
  const errors = openSync(join(dir, "pause.log"), "a", 0o600);
  const child = spawn("perl", [program, namespaces.join(","), config.hostname, ...sysctls], {
    stdio: ["ignore", "pipe", errors],
    detached: true,
    cwd: "/",
  });
  closeSync(errors);
  // Nothing may be waited for before its output is listened to: of a child that ends meanwhile Node throws it away.
  let said = "";
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new RuntimeError("making the pod's namespaces takes too long")),
        timeoutMs,
      );
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (!said.includes("\n")) return;
        clearTimeout(timer);
        resolve();
      });
      child.stdout?.once("end", () => {
        clearTimeout(timer);
        resolve();
      });
      child.once("error", (cause) => {
        clearTimeout(timer);
        reject(new RuntimeError("cannot run perl", { cause }));
      });
    });
  } catch (error) {
    // Nobody else knows it: it would hold its namespaces for ever.
    child.kill("SIGKILL");
    throw error;
  } finally {
    child.stdout?.destroy();
    child.unref();
  }
  const pid = Number(/^ready (\d+)\n/.exec(said)?.[1] ?? 0);
  const born = pid === 0 ? undefined : birthOf(pid);
  if (born === undefined) {
    const log = (await readFile(join(dir, "pause.log"), "utf8")).trim();
    throw new RuntimeError(`cannot make the pod's namespaces: ${log || "the pause process ended at once"}`);
  }
  return { pid, born };
}
