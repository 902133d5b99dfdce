import type { Compiler } from "./compile.ts";
import type { Message } from "./environment.ts";
import type { Node, Scope } from "./nodes.ts";
import type { Tree } from "./parse.ts";
import { isAssignable, typeText } from "./types.ts";

/** What cel-go says that making a message costs. */
const messageCost = 40;

/** An expression that makes a message. @param entries Its fields: names as texts, and what they get. */
export function messageNode(
  compiler: Compiler,
  { type, field, make }: Message,
  entries: readonly (readonly [Tree, Tree])[],
  scope: Scope,
): Node {
  const fields = entries.map(([key, value]): [string, Node] => {
    const name = key.op === "value" && typeof key.args === "string" ? key.args : "";
    const wanted = field(name);
    const node = compiler.node(value, scope);
    if (wanted === undefined || !isAssignable(wanted, node.type, new Map())) {
      const expected = wanted === undefined ? "" : typeText(wanted);
      const text = `expected type of field '${name}' is '${expected}' but provided type is '${typeText(node.type)}'`;
      compiler.complain(compiler.offsetOf(":", key.end), text);
    }
    return [name, node];
  });
  return {
    type,
    run: (frame) => {
      frame.meter.spend(messageCost);
      return make(new Map(fields.map(([name, node]) => [name, node.run(frame)])));
    },
  };
}
