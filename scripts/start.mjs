// `npm start`: a local cluster with the example application on it, waiting until the example answers.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const pintle = fileURLToPath(new URL("../bin/pintle", import.meta.url));
const example = fileURLToPath(new URL("../examples/counter/counter.yaml", import.meta.url));
const folder = process.env.PINTLE_HOME ?? join(homedir(), ".pintle");
const startedMs = performance.now();

function run(args, { quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(pintle, args, {
      stdio: ["ignore", quiet ? "pipe" : "inherit", "inherit"],
      env: { ...process.env, KUBECONFIG: join(folder, "kubeconfig") },
    });
    let output = "";
    child.stdout?.on("data", (data) => {
      output += data;
    });
    child.once("error", reject);
    child.once("exit", (code) =>
      code === 0 ? resolve(output) : reject(new Error(`pintle ${args.join(" ")} ended with status ${code}`)),
    );
  });
}

async function answer(url, deadlineMs) {
  for (let last = ""; ; ) {
    // A timer of our own: AbortSignal.timeout would not keep this process alive while it waits.
    const giveUp = new AbortController();
    const timer = setTimeout(() => giveUp.abort(new Error("no answer within 2 s")), 2000);
    try {
      const response = await fetch(url, { signal: giveUp.signal });
      const text = await response.text();
      if (response.ok) return text;
      last = text.trim();
    } catch (error) {
      last = error.cause?.message ?? error.message;
    } finally {
      clearTimeout(timer);
    }
    if (performance.now() > deadlineMs)
      throw new Error(`${url} does not answer (${last}); see "bin/pintle get pods"`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function runs() {
  try {
    const { supervisorPid } = JSON.parse(readFileSync(join(folder, "cluster.json"), "utf8"));
    process.kill(supervisorPid, 0);
    return true;
  } catch {
    return false;
  }
}

try {
  if (runs()) console.log(`the cluster in ${folder} runs already`);
  else await run(["up", "--detach", ...process.argv.slice(2)]);
  await run(["apply", "-f", example]);
  const node = JSON.parse(await run(["get", "node", "node-1", "-o", "json"], { quiet: true }));
  const address = node.status.addresses.find((row) => row.type === "InternalIP").address;
  const url = `http://${address}:30080/`;
  const text = await answer(url, performance.now() + 60_000);
  console.log(
    `\nThe example answers after ${((performance.now() - startedMs) / 1000).toFixed(1)} s: ${text}`,
  );
  console.log(`  ${url}\n`);
  console.log("Three things to try next:");
  console.log(`  curl ${url}                    # counts on, from any of three pods`);
  console.log("  bin/pintle kill store-leader && bin/pintle status   # somebody else leads");
  console.log("  bin/pintle get pods -A -o wide                      # what runs, and where");
  console.log("\nThe cluster runs on in the background. To stop it (its data stays):");
  console.log("  bin/pintle down\n");
} catch (error) {
  console.error(`npm start: ${error.message}`);
  process.exitCode = 1;
}
