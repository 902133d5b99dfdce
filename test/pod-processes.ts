import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The process ids of containers, of those who watch them, and of those who hold pods' namespaces.
 *  @param folder The cluster's.
 *  @param nodes Names; all that there are where absent. */
export function processesOfPods(folder: string, nodes = readdirSync(join(folder, "nodes"))): number[] {
  const found: number[] = [];
  for (const node of nodes) {
    const at = (...parts: string[]) => join(folder, "nodes", node, ...parts);
    for (const id of readdirSync(at("containers"))) {
      if (!existsSync(at("containers", id, "started"))) continue;
      const [, container, , shim] = readFileSync(at("containers", id, "started"), "utf8").split(" ");
      found.push(Number(shim), Number(container));
    }
    for (const id of readdirSync(at("sandboxes")))
      found.push(JSON.parse(readFileSync(at("sandboxes", id, "sandbox.json"), "utf8")).pause.pid);
  }
  return found;
}
