// What Kubernetes' conformance suite asks for, and what of it holds: conformance.tsv in docs/reference is the record, conformance.md
// is made of it.
//   npm run conformance                          # write docs/reference/conformance.md
//   npm run conformance -- --check               # exit 1 if it is not what the record says
//   npm run conformance -- --report report.json  # take the suite's results over first (ginkgo's --json-report); of a run
//                                                # with containerd: and --containerd
// A behaviour of several specs holds where all of them pass. What a report does not speak of stays as it is.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    report: { type: "string" },
    containerd: { type: "boolean", default: false },
  },
});
const folder = join(import.meta.dirname, "../docs/reference");
const recordFile = join(folder, "conformance.tsv");
const tableFile = join(folder, "conformance.md");

const [header, ...lines] = readFileSync(recordFile, "utf8").trimEnd().split("\n");
const names = header.split("\t");
const rows = lines.map((line) => {
  const cells = line.split("\t");
  return Object.fromEntries(names.map((name, at) => [name, cells[at] ?? ""]));
});

/** What says nothing of a behaviour: the spec did not run to its end. */
const unfinished = new Set(["skipped", "pending", "interrupted", "aborted"]);

/** Passed or failed, by the whole name of a spec. */
function resultsOf(file) {
  const results = new Map();
  for (const suite of JSON.parse(readFileSync(file, "utf8")))
    for (const spec of suite.SpecReports ?? []) {
      const name = [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText]
        .join(" ")
        .replace(/\s+/g, " ")
        .trim();
      if (name !== "" && !unfinished.has(spec.State)) results.set(name, spec.State);
    }
  return results;
}

if (values.report !== undefined) {
  const results = resultsOf(values.report);
  const [state, why] = values.containerd ? ["containerd", "containerd why"] : ["state", "why"];
  for (const row of rows) {
    const states = row.specs.split(" && ").map((spec) => results.get(spec));
    if (row.specs === "" || states.every((found) => found === undefined)) continue;
    if (states.some((found) => found !== undefined && found !== "passed")) row[state] = "open";
    else if (states.every((found) => found === "passed")) {
      row[state] = "holds";
      row[why] = "";
    }
  }
  writeFileSync(
    recordFile,
    `${[header, ...rows.map((row) => names.map((name) => row[name]).join("\t"))].join("\n")}\n`,
  );
}

const testedBy = ({ state, specs, test, why }) => {
  if (state === "open") return why;
  const suite = state === "holds" && specs !== "" ? ["the suite"] : [];
  return [...suite, ...(test === "" ? [] : test.split(" ").map((file) => `\`${file}\``))].join(", ");
};
/** Of runs whose containers were containerd's; another group has none. */
const withContainerd = (row) => (row.containerd === "open" ? row["containerd why"] : row.containerd);
const count = (state, among = rows) => among.filter((row) => row.state === state).length;
const countWithContainerd = (among) => {
  const tried = among.filter((row) => row.containerd !== "");
  const held = tried.filter((row) => row.containerd === "holds");
  return tried.length === 0 ? "" : `${held.length} of ${tried.length}`;
};
const groups = [...new Set(rows.map(({ sig }) => sig))];
const table = (heads, body) =>
  [heads, heads.map(() => "---"), ...body].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
const cell = (text) => String(text).replaceAll("|", "\\|");

const text = `# Kubernetes' conformance, behaviour by behaviour

Made by \`npm run conformance\` of \`docs/reference/conformance.tsv\`; do not edit. The behaviours are those of release 1.37, in our words.
"The suite" is the conformance suite of 1.36.3, run as it is against \`pintle up\` with two nodes; what came with 1.37 has no spec in it.
Some images were of ours under the names of the suite's: \`agnhost\` and \`nonewprivs\` have the suite's programs, built from its
source on a base of busybox; \`busybox\` is Debian's, whose shell drops variables of names as \`data-1\`: four specs that look for such had bash in it; \`nginx\`, \`nonroot\`, \`pause\`, \`kitten\` and that of "Update Demo" serve the same.
Network's specs look names up, and connect, with Debian's \`dig\`, \`nslookup\`, \`getent\`, \`nc\` and \`curl\`, in \`agnhost\` as in \`glibc-dns-testing\`.
"With containerd" is the same on two machines of \`pintle server\` and \`pintle agent --container-runtime-endpoint\`, with Debian's
containerd 1.6 ([container-runtimes](../how-to/container-runtimes.md)).

- **holds**: the suite's specs passed at the last run, or the test named shows it.
- **open**: a spec failed at the last run, or could not run for want of something that is missing; the last column says why.
- **not run**: nobody has tried it yet.

${table(
  ["group", "behaviours", "hold", "open", "not run", "hold with containerd"],
  [
    ...groups.map((sig) => {
      const among = rows.filter((row) => row.sig === sig);
      return [
        sig,
        among.length,
        ...["holds", "open", "not run"].map((state) => count(state, among)),
        countWithContainerd(among),
      ];
    }),
    ["all", rows.length, count("holds"), count("open"), count("not run"), countWithContainerd(rows)],
  ],
)}
${groups
  .map((sig) => {
    const among = rows.filter((row) => row.sig === sig);
    const isTried = among.some((row) => row.containerd !== "");
    return `
## ${sig}

${table(
  ["area", "behaviour", "since", "state", ...(isTried ? ["with containerd"] : []), "tested by, or why not"],
  among.map((row) => [
    cell(row.area),
    cell(row.behaviour),
    row.since,
    row.state,
    ...(isTried ? [withContainerd(row)] : []),
    testedBy(row),
  ]),
)}
`;
  })
  .join("")}`;

if (!values.check) writeFileSync(tableFile, text);
else if (readFileSync(tableFile, "utf8") !== text) {
  console.error(
    "docs/reference/conformance.md is not what docs/reference/conformance.tsv says: npm run conformance",
  );
  process.exit(1);
}
