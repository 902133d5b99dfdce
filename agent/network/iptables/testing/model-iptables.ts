import assert from "node:assert/strict";

/** What iptables-restore --noflush does, said plainly: chains by name, each a list of rules. */
export class ModelIptables {
  readonly tables = new Map<string, Map<string, string[]>>();

  restore(text: string): void {
    let table = new Map<string, string[]>();
    let name = "";
    const chain = (of: string) => table.get(of) ?? assert.fail(`no chain ${of} in ${name}`);
    for (const line of text.split("\n").filter((one) => one !== "")) {
      const [command = "", target = "", ...words] = line.split(" ");
      const rule = words.join(" ");
      if (command.startsWith("*")) {
        name = command.slice(1);
        const known = this.tables.get(name) ?? builtIn(name);
        // A copy: all of it or nothing.
        table = new Map([...known].map(([key, rules]) => [key, [...rules]]));
      } else if (command.startsWith(":")) table.set(command.slice(1), []);
      else if (command === "-A") chain(target).push(rule);
      else if (command === "-I") {
        const [at, ...rest] = words;
        chain(target).splice(Number(at) - 1, 0, rest.join(" "));
      } else if (command === "-D") {
        const at = chain(target).indexOf(rule);
        assert.ok(at >= 0, `no rule ${line}`);
        chain(target).splice(at, 1);
      } else if (command === "-X") {
        assert.deepEqual(chain(target), [], `${target} is not empty`);
        const leading = [...table].filter(([, rules]) => rules.some((one) => leadsTo(one, target)));
        assert.deepEqual(leading, [], `something leads to ${target}`);
        table.delete(target);
      } else if (command === "COMMIT") {
        for (const rules of table.values())
          for (const one of rules) {
            const to = /-j (KUBE-\S+)$/.exec(one)?.[1];
            if (to !== undefined) chain(to);
          }
        this.tables.set(name, table);
      } else assert.fail(`what is ${line}?`);
    }
  }

  /** As iptables-save writes it. */
  save(name: string): readonly string[] {
    const table = this.tables.get(name) ?? builtIn(name);
    return [
      ...[...table.keys()].map((chain) => `:${chain} - [0:0]`),
      ...[...table].flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
    ];
  }
}

const leadsTo = (rule: string, chain: string) => rule.endsWith(`-j ${chain}`);

const builtIn = (table: string) =>
  new Map(
    (table === "nat" ? ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"] : ["INPUT", "FORWARD", "OUTPUT"]).map(
      (chain) => [chain, []],
    ),
  );
