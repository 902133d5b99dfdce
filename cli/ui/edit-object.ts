import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { ApiError } from "../../client/api-error.ts";
import { objectPath } from "../../client/paths.ts";
import type { RestClient } from "../../client/rest.ts";
import type { KubeObject, Ref } from "../../client/types.ts";
import { OperatorError } from "../command.ts";
import type { DiscoveredResource } from "../kubectl/discovery.ts";
import { objectsText } from "../kubectl/output.ts";

const roundsMost = 20;

/** Opens the object's YAML in the person's editor and saves what they made of it. What the server refuses is told at the head of
 *  the file, which is opened again; a file that is left as it is cancels. Answers what became of it. */
export async function editObject(
  client: RestClient,
  kind: DiscoveredResource,
  ref: Ref,
  run: (file: string) => Promise<void> = runEditor,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pintle-edit-"));
  const file = join(folder, `${`${kind.plural}-${ref.name}`.replace(/[^\w.-]/g, "_")}.yaml`);
  try {
    const object = await client.get<KubeObject>(kind, ref);
    const before = objectsText({ kind: "yaml" }, [{ resource: kind, object }], { single: true });
    let problem = "";
    let shown = before;
    for (let round = 0; round < roundsMost; round++) {
      await writeFile(file, headOf(problem) + shown, { mode: 0o600 });
      await run(file);
      const text = withoutHead(await readFile(file, "utf8"));
      if (text.trim() === "" || text === before) return `${ref.name} is left as it was`;
      if (problem !== "" && text === shown) return `${ref.name} is left as it was: ${problem.split("\n")[0]}`;
      shown = text;
      try {
        const changed: unknown = parse(text);
        if (typeof changed !== "object" || changed === null || Array.isArray(changed))
          throw new OperatorError("this is no object");
        await client.raw("PUT", objectPath(kind, ref), changed, {
          query: { fieldManager: "pintle", fieldValidation: "Strict" },
        });
        return `${ref.name} saved`;
      } catch (error) {
        if (!(error instanceof ApiError || error instanceof Error)) throw error;
        problem = error.message;
      }
    }
    throw new OperatorError(`${ref.name}: ${problem}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const headMark = "#! ";
const headOf = (problem: string): string =>
  [
    "What you save here is sent to the server; leave it as it is, or empty, and nothing is.",
    ...(problem === "" ? [] : ["It was not taken:", ...problem.split("\n").map((line) => `  ${line}`)]),
  ]
    .map((line) => `${headMark}${line}\n`)
    .join("");
const withoutHead = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !line.startsWith(headMark))
    .join("\n");

/** $KUBE_EDITOR, $VISUAL or $EDITOR, which may have arguments, else vi. */
function runEditor(file: string): Promise<void> {
  const { KUBE_EDITOR, VISUAL, EDITOR } = process.env;
  const [program = "vi", ...args] = (KUBE_EDITOR || VISUAL || EDITOR || "vi").trim().split(/\s+/);
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, file], { stdio: "inherit" });
    child.once("error", (error) =>
      reject(new OperatorError(`cannot start the editor ${program}: ${error.message}; set $EDITOR`)),
    );
    child.once("exit", (code, signal) =>
      code === 0
        ? resolve()
        : reject(new OperatorError(`the editor ${program} ended with ${signal ?? `status ${code}`}`)),
    );
  });
}
