import { spread } from "../spread.ts";

/** What a side printed; milliseconds, megabytes, and creates a second. */
export interface Figures {
  readonly importedMs: number;
  readonly readyMs: number;
  readonly secondMs?: number;
  readonly residentReadyMb: number;
  readonly residentSuiteMb: number;
  readonly sharedMs: number;
  readonly freshMs?: number;
  readonly creates: number;
  readonly stopMs: number;
}

export interface Round {
  readonly pintle: Figures;
  readonly envtest: Figures | undefined;
}

interface Row {
  readonly what: string;
  readonly figure: (side: Figures) => number | undefined;
  readonly goal?: string;
}

const rows = (tests: number): readonly Row[] => [
  { what: "from the start of the process to ready, ms", figure: (side) => side.readyMs, goal: "under 1000" },
  { what: "– of that until imported", figure: (side) => side.importedMs },
  {
    what: "resident when ready, all processes, MB",
    figure: (side) => side.residentReadyMb,
    goal: "under 120",
  },
  { what: "a second cluster, ms", figure: (side) => side.secondMs, goal: "under 300" },
  { what: `${tests} tests on one cluster, ms`, figure: (side) => side.sharedMs },
  { what: `– with its start`, figure: (side) => side.sharedMs + side.readyMs },
  { what: `${tests} tests, each on a cluster of its own, ms`, figure: (side) => side.freshMs },
  { what: "resident after the tests, MB", figure: (side) => side.residentSuiteMb },
  { what: "creates of ConfigMaps, a second", figure: (side) => side.creates },
  { what: "stop, ms", figure: (side) => side.stopMs },
];

const shown = (value: number | undefined) =>
  value === undefined ? "–" : value >= 100 ? String(Math.round(value)) : value.toPrecision(2);

/** A table in Markdown: the median of all rounds, with the least and the most. Pure. */
export function markdown(rounds: readonly Round[], tests: number): string {
  const cell = (values: readonly number[]) => {
    if (values.length === 0) return { text: "–", median: undefined };
    const { min, median, max } = spread(values);
    return { text: `${shown(median)} (${shown(min)}–${shown(max)})`, median };
  };
  const lines = rows(tests).map(({ what, figure, goal = "" }) => {
    const ours = cell(rounds.flatMap(({ pintle }) => figure(pintle) ?? []));
    const theirs = cell(rounds.flatMap(({ envtest }) => (envtest && figure(envtest)) ?? []));
    const ratio =
      ours.median === undefined || theirs.median === undefined
        ? ""
        : (ours.median / theirs.median).toFixed(3);
    return `| ${what} | ${ours.text} | ${theirs.text} | ${ratio} | ${goal} |`;
  });
  return [
    "# A cluster inside a test, beside what envtest starts",
    "",
    `\`npm run build && PINTLE_KUBE_APISERVER=PATH npm run bench:testcluster -- --rounds ${rounds.length} --etcd PATH\``,
    "",
    "Medians of all rounds, with the least and the most; the sides alternate. `bench/testcluster/README.md` says what each does.",
    "",
    "| | startCluster | etcd and kube-apiserver | ratio | goal |",
    "|---|---|---|---|---|",
    ...lines,
    "",
  ].join("\n");
}
