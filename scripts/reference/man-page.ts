import { defaultText, type FlagRow } from "../../base/os/flags.ts";
import { exitStatuses } from "../../cli/exit-status.ts";
import { type NamedCommand, partsOf, shownFlags, valueName } from "./all-commands.ts";

export interface ManEdition {
  readonly version: string;
  /** As in 2026-11-30. */
  readonly date: string;
}

export const manName = (command: string): string =>
  command === "" ? "pintle" : `pintle-${command.replaceAll(" ", "-")}`;

/** The pages as package.json lists them. */
export const manFiles = (all: readonly NamedCommand[]): readonly string[] =>
  ["", ...all.map(({ row }) => row.name)].map((name) => `./dist/man/${manName(name)}.1`).sort();

/** The page of one command, in the macros of man(7). Pure. */
export function manPage(one: NamedCommand, all: readonly NamedCommand[], edition: ManEdition): string {
  const { command, row } = one;
  const flags = shownFlags(command);
  const parts = partsOf(command);
  const related = all.filter(({ heading, row: other }) => heading === one.heading && other !== row);
  return page(manName(row.name), edition, [
    section("NAME", `${text(manName(row.name))} \\- ${text(row.summary)}`),
    section(
      "SYNOPSIS",
      `.B ${text(`pintle ${row.name}`)}`,
      ...usage(command.usage),
      ...(flags.length > 0 && !/FLAGS/.test(command.usage ?? "") ? ["[\\fIFLAGS\\fR]"] : []),
    ),
    section("DESCRIPTION", filled(capital(command.summary))),
    ...(flags.length > 0 ? [section("OPTIONS", ...flags.flatMap(flagLines), ...partLines(parts))] : []),
    ...environment(command.envPrefix, flags),
    statuses(row.name),
    ...(command.examples.length > 0
      ? [section("EXAMPLES", ".EX", ...command.examples.map(exact), ".EE")]
      : []),
    section("SEE ALSO", references(["", ...parts, ...related.map((other) => other.row.name)])),
  ]);
}

/** The page of the program itself. Pure. */
export function manOverview(all: readonly NamedCommand[], edition: ManEdition): string {
  const headings = [...new Set(all.map(({ heading }) => heading))];
  return page("pintle", edition, [
    section("NAME", "pintle \\- a Kubernetes\\-compatible cluster on its own etcd\\-compatible store"),
    section(
      "SYNOPSIS",
      ".B pintle",
      "\\fICOMMAND\\fR [\\fIFLAGS\\fR]",
      ".br",
      ".B pintle help",
      "[\\fICOMMAND\\fR]",
    ),
    section(
      "DESCRIPTION",
      filled(
        "Runs a cluster, or one of its components, and works with clusters. Each command has a page of its own.",
      ),
    ),
    ...headings.flatMap((heading) => [
      section(
        heading.toUpperCase(),
        ...all
          .filter((one) => one.heading === heading)
          .flatMap(({ row }) => [".TP", `.BR ${text(manName(row.name))} (1)`, filled(capital(row.summary))]),
      ),
    ]),
    section(
      "ENVIRONMENT",
      ...tagged("KUBECONFIG", "How to reach the cluster: files with colons between them."),
      ...tagged("PINTLE_HOME", "The folder of the local cluster; ~/.pintle by default."),
      ...tagged("PINTLE_DEBUG", "Set to anything: unexpected errors are shown with where they come from."),
    ),
    section(
      "FILES",
      ...tagged("~/.pintle/kubeconfig", "Of the local cluster, for kubectl and every other client."),
      ...tagged("~/.pintle/logs", "What its components have to say."),
      ...tagged("/var/lib/pintle", "Servers and nodes of several machines."),
    ),
    statuses(""),
    section("SEE ALSO", ".BR kubectl (1)"),
  ]);
}

const page = (name: string, { version, date }: ManEdition, sections: readonly string[]): string =>
  [
    `.TH ${text(name.toUpperCase())} 1 "${date}" "pintle ${text(version)}" "Pintle"`,
    ".nh",
    ".ad l",
    ...sections,
    "",
  ].join("\n");
const section = (title: string, ...lines: readonly string[]): string =>
  [`.SH ${title.includes(" ") ? `"${text(title)}"` : text(title)}`, ...lines].join("\n");
const tagged = (tag: string, what: string): readonly string[] => [".TP", `.B ${text(tag)}`, filled(what)];

function statuses(name: string): string {
  const own =
    name === "exec"
      ? tagged("other", "That of the command that ran in the container.")
      : name === "store"
        ? tagged("by a signal", "As etcd: by the signal that asked for its end, where it is started as etcd.")
        : [];
  return section(
    "EXIT STATUS",
    ...exitStatuses.flatMap(({ status, means }) => tagged(status, means)),
    ...own,
  );
}

const usage = (given: string | undefined): readonly string[] => (given === undefined ? [] : [text(given)]);

function flagLines([name, row]: readonly [string, FlagRow]): readonly string[] {
  const value = valueName(row);
  const short = row.short === undefined ? "" : `\\fB${text(`-${row.short}`)}\\fR, `;
  const long = `\\fB${text(`--${name}`)}\\fR${value === undefined ? "" : `=\\fI${text(value)}\\fR`}`;
  const fallback = defaultText(row);
  const choices = row.choices === undefined ? [] : [filled(`One of ${row.choices.join(", ")}.`)];
  const shown = fallback === "" || fallback === "false" ? [] : [filled(`Default: ${fallback}.`)];
  return [".TP", `${short}${long}`, filled(row.help), ...choices, ...shown];
}

const partLines = (parts: readonly string[]): readonly string[] =>
  parts.flatMap((part) => [
    ".TP",
    `\\fB${text(`--${part}.`)}\\fR\\fIFLAG\\fR`,
    `Each flag of \\fB${text(manName(part))}\\fR(1), behind the part\\(aqs name.`,
  ]);

function environment(
  prefix: string | undefined,
  flags: readonly (readonly [string, FlagRow])[],
): readonly string[] {
  if (prefix === undefined || flags.length === 0) return [];
  const [name = ""] = flags.find(([one]) => one.includes("-")) ?? flags[0] ?? [];
  const variable = prefix + name.toUpperCase().replaceAll("-", "_");
  const file = flags.some(([one]) => one === "config-file")
    ? " The file of --config-file has the same names, and counts for less than both."
    : "";
  return [
    section(
      "ENVIRONMENT",
      filled(
        `Each flag can be given as a variable, --${name} as ${variable}; a flag on the command line counts for more.${file}`,
      ),
    ),
  ];
}

const references = (names: readonly string[]): string => {
  const lines = [...new Set(names)].map((name) => `.BR ${text(manName(name))} (1)`);
  return lines.map((line, at) => (at < lines.length - 1 ? `${line},` : line)).join("\n");
};

const capital = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

const lineBytes = 78;

/** Text on as many lines as it needs, which are filled again where it is shown. */
function filled(plain: string): string {
  const lines: string[] = [];
  for (const whole of text(plain).split(" ")) {
    // A long list may be broken behind a comma.
    const word = whole.length > 40 ? whole.replaceAll(/,(?=.)/g, ",\\:") : whole;
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= lineBytes)
      lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines.map((line) => (line.startsWith(".") ? `\\&${line}` : line)).join("\n");
}

/** Text of ours as roff takes it for text: no line is a request, no character an escape, each within ASCII. */
export const text = (plain: string): string => exact(plain.replaceAll(/\s+/g, " "));

function exact(line: string): string {
  const escaped = line
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll('"', "\\(dq")
    .replaceAll(
      /[^\x20-\x7e]/gu,
      (one) => `\\[u${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`,
    );
  return escaped.startsWith(".") ? `\\&${escaped}` : escaped;
}
