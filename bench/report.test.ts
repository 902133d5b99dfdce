import assert from "node:assert/strict";
import { plot } from "./plot.ts";
import { isMet, markdown, type Report, ratios, type SideRound } from "./report.ts";

const round = (perSecond: number, p99Ms = 4): SideRound => ({
  requests: 1000,
  failures: 0,
  seconds: 1,
  perSecond,
  p50Ms: 1,
  p99Ms,
  answerBytes: 0,
  generatorCpuSeconds: 0.005,
  cpuMsPerThousand: 20,
  beforeMb: 80,
  peakMb: 100,
  afterMb: 90,
});
const put = {
  what: "put",
  goals: [
    { figure: "perSecond", atLeast: 2 },
    { figure: "p99Ms", atMost: 1 },
  ],
} as const;
const report: Report = {
  members: 3,
  seconds: 4,
  rounds: 3,
  command: "npm run bench",
  machine: "2 × CPU",
  pintle: "Pintle",
  peers: ["etcd 1"],
  loads: [
    { ...put, name: "put-1", clients: 1, rounds: [{ Pintle: round(10), "etcd 1": round(10) }] },
    {
      ...put,
      name: "put-1000",
      clients: 1000,
      rounds: [
        { Pintle: round(300), "etcd 1": round(100, 2) },
        { Pintle: round(100), "etcd 1": round(100, 2) },
        { Pintle: round(440), "etcd 1": round(200, 2) },
      ],
    },
  ],
};

describe("the report of the store beside etcd", () => {
  it("divides round by round, and takes the median of that", () => {
    const load = report.loads[1] as Report["loads"][number];
    assert.deepEqual(ratios(load, { pintle: "Pintle", peer: "etcd 1" }, "perSecond"), {
      min: 1,
      median: 2.2,
      max: 3,
    });
  });

  it("says of each goal whether it is met", () => {
    const text = markdown(report);
    const row = text.split("\n").filter((line) => line.startsWith("| put |"))[1] ?? "";
    assert.match(row, /2\.20 \(1\.00–3\.00\).*rate ≥ 2: met; p99 ≤ 1: \*\*not met\*\*/);
    assert.equal(isMet({ figure: "p50Ms", atMost: 1 }, 1), true);
    const load = report.loads[0] as Report["loads"][number];
    const rounds = [{ Pintle: round(10), "etcd 1": { ...round(10), peakMb: 90 } }];
    const flat = { ...load, rounds, goals: [{ figure: "growthMb", atMost: 1 }] as const };
    assert.match(markdown({ ...report, loads: [flat] }), /growth of memory ≤ 1: \*\*not met\*\*/);
    assert.equal(ratios(flat, { pintle: "Pintle", peer: "etcd 1" }, "growthMb").median, 2);
    assert.equal(isMet({ figure: "perSecond", atLeast: 2 }, 1.99), false);
  });

  it("sets the last tenth of a load beside its first, and shows the shares of stages", () => {
    const [load] = report.loads as [Report["loads"][number]];
    assert.doesNotMatch(markdown(report), /tenth|step|time of Pintle/);
    const tenths = [200, 190, 180, 180, 180, 180, 180, 180, 180, 150];
    const rounds = [{ Pintle: { ...round(10), tenths }, "etcd 1": round(10) }];
    const stageTimes = { raft: 30, WAL: 10 };
    const text = markdown({ ...report, loads: [{ ...load, rounds, stageTimes }] });
    assert.match(text, /\| put \| Pintle \| 200 \| 150 \| 0\.75 \|/);
    assert.match(text, /\| put \|.* 75 % \| 25 % \|/);
  });

  it("says how long the steps of a load took, and memory before, at its peak and after", () => {
    const [load] = report.loads as [Report["loads"][number]];
    const steps = [
      { name: "grants", seconds: 1.25 },
      { name: "expiry", seconds: 20 },
    ];
    const rounds = [{ Pintle: { ...round(0.125), steps }, "etcd 1": round(10) }];
    const text = markdown({ ...report, loads: [{ ...load, rounds }] });
    assert.match(text, /\| put \| Pintle \| grants \| 1\.25 \|\n\| put \| Pintle \| expiry \| 20\.00 \|\n$/);
    assert.match(text, /\| put \| Pintle \| 0\.13 \|.*\| 80 \| 100 \| 90 \| 0 \|/);
    assert.match(text, /\| put \| etcd 1 \| 10 \|/);
  });

  it("draws ratios with goals, and puts against clients", () => {
    const drawn = plot(report);
    assert.equal(drawn.match(/<circle/g)?.length, 2);
    assert.equal(drawn.match(/<polyline/g)?.length, 2);
    assert.doesNotMatch(drawn, /NaN|Infinity|undefined/);
  });
});
