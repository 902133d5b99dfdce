import { defaultText, type FlagRow } from "../../base/os/flags.ts";
import { rowsOf } from "../../cli/command-table.ts";
import { exitStatuses } from "../../cli/exit-status.ts";
import { usageLine } from "../../cli/help.ts";
import { kubectlPlugin, pintle } from "../../cli/program.ts";
import { type NamedCommand, partsOf, shownFlags, valueName } from "./all-commands.ts";
import { capital, code, pageOf, plain, tableOf } from "./markdown.ts";
import { mirroredFlags } from "./mirrored-flags.ts";

/** docs/reference/commands.md: what `--help` shows, with types, variables and whose flags they are. */
export function commandsPage(all: readonly NamedCommand[]): string {
  const headings = [...new Set(all.map(({ heading }) => heading))];
  return pageOf(
    "Commands",
    `Every command of \`pintle\`, with its flags. \`pintle help\` and \`pintle COMMAND --help\` say the same where it runs, \`man pintle\` where the
package was installed with its manual.`,
    `Shells complete commands, flags, their values and the names of the cluster's objects: \`source <(pintle completion bash)\` in \`~/.bashrc\`,
\`source <(pintle completion zsh)\` in \`~/.zshrc\` behind \`compinit\`, \`pintle completion fish | source\` in \`~/.config/fish/config.fish\`, with \`pintle\` in
\`PATH\`. A cluster that does not answer is waited for 1.5 s.`,
    `Flags are written \`--flag value\`, \`--flag=value\`, or with one dash; of a boolean \`--flag\` means \`--flag=true\`. Where a
command says so, its flags may also come from the environment, and from a YAML file (\`--config-file\`) under the same names; the command line
counts for more than the environment, and that for more than the file. Kinds of values:`,
    tableOf(
      ["kind", "value"],
      [
        ["string, integer, number, boolean", "as it says"],
        ["list", "values with commas between; the flag may be given more than once"],
        ["duration", "`500ms`, `10s`, `1m30s`; a number without a unit is milliseconds"],
        ["goDuration", "the same, always with its unit"],
      ],
    ),
    `\`kubectl pintle\` is a plugin of kubectl (\`bin/kubectl-pintle\` in \`PATH\`) with the commands that ask a cluster: ${rowsOf(
      kubectlPlugin.groups,
    )
      .map(({ name }) => code(name))
      .join(
        ", ",
      )}. It asks the cluster that kubectl would ask, and kubectl completes it (\`bin/kubectl_complete-pintle\`). A
kubeconfig whose user logs in by another program (\`exec\`) is refused by name.`,
    "## Exit status",
    tableOf(
      ["status", "means"],
      exitStatuses.map(({ status, means }) => [status, plain(means)]),
    ),
    "`pintle exec` ends with the status of the command that it ran.",
    ...headings.flatMap((heading) => [
      `## ${heading}`,
      ...all.filter((one) => one.heading === heading).flatMap(commandParts),
    ]),
  );
}

function commandParts({ command, row }: NamedCommand): readonly string[] {
  const flags = shownFlags(command);
  const mirrored = mirroredFlags[row.name];
  const heads = ["flag", "type", "default", ...(mirrored ? ["as in"] : []), "what it does"];
  const parts = partsOf(command);
  return [
    `### pintle ${row.name}`,
    `${plain(capital(command.summary))}.`,
    `Usage: ${code(usageLine(pintle, command))}`,
    ...(command.envPrefix === undefined
      ? []
      : [
          `Variables: ${code(`${command.envPrefix}NAME_OF_FLAG`)}.${"config-file" in command.flags ? " File: `--config-file`." : ""}`,
        ]),
    ...(flags.length === 0
      ? []
      : [
          tableOf(
            heads,
            flags.map((flag) => flagCells(flag, mirrored)),
          ),
        ]),
    ...(parts.length === 0
      ? []
      : [
          `Each part takes the flags of its own command behind its name: ${parts.map((part) => `${code(`--${part}.FLAG`)}`).join(", ")}.`,
        ]),
    ...(command.examples.length === 0 ? [] : [["```text", ...command.examples, "```"].join("\n")]),
  ];
}

function flagCells(
  [name, row]: readonly [string, FlagRow],
  mirrored: Readonly<Record<string, string>> | undefined,
): readonly string[] {
  const value = valueName(row);
  const written = `--${name}${value === undefined ? "" : ` ${value}`}`;
  const choices = row.choices === undefined ? "" : ` (${row.choices.map(code).join(", ")})`;
  const whose = Object.entries(mirrored ?? {}).find(([, names]) => names.split(" ").includes(name))?.[0];
  return [
    `${row.short === undefined ? "" : `${code(`-${row.short}`)}, `}${code(written)}`,
    `${row.kind}${choices}`,
    code(defaultText(row)),
    ...(mirrored ? [whose ?? ""] : []),
    plain(row.help),
  ];
}
