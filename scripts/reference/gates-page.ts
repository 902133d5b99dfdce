import { features } from "../../controlplane/apiserver/features.ts";
import { storeGates } from "../../store/foreign-flags.ts";
import { code, pageOf, plain, tableOf } from "./markdown.ts";

/** docs/reference/feature-gates.md. */
export function gatesPage(): string {
  return pageOf(
    "Feature gates",
    "What `--feature-gates` takes. A gate that nobody here knows is refused by name, and so is a value that would change nothing although it should.",
    "## API server",
    `\`pintle apiserver --feature-gates NAME=true\` (\`pintle up --feature-gates …\`): features that are off in Kubernetes 1.36 and can be switched on. What is on
there by default is on here; what is off there and not listed is off, and [its fields](./fields.md) are dropped.`,
    tableOf(
      ["gate", "default"],
      features.map((name) => [code(name), "off"]),
    ),
    "## Store",
    "`pintle store --feature-gates NAME=true,OTHER=false`: etcd's gates.",
    tableOf(
      ["gate", "values", "why"],
      Object.entries(storeGates).map(([name, { must, why }]) => [
        code(name),
        must === undefined ? "both" : `only ${code(String(must))}`,
        why === "" ? "honoured" : `${must === undefined ? "no effect: " : ""}${plain(why)}`,
      ]),
    ),
    "Other components have no gates; `pintle agent` and `pintle scheduler` know no such flag.",
  );
}
