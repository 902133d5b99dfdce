import { rangeRequest } from "../proto/etcd.ts";
import { keyOf, RequestTemplate } from "./generator/request-template.ts";
import type { Load } from "./load.ts";
import {
  bulkOfPuts,
  keys,
  putLoad,
  range,
  readTemplate,
  spreadOver,
  valueBytes,
  written,
} from "./requests.ts";
import { watchedPuts } from "./watched-puts.ts";

/** Keys that no other load reads. */
const sizedKeys = 20_000_000;
const sizedLoad = (name: string, bytes: number, clients: number): Load => ({
  name,
  ...putLoad(clients, [], bytes),
  keyNumber: (n) => sizedKeys + (n % 1000),
});

/** Keys and leases that end with the load. */
const leasedKeys = 30_000_000;

/** Ten million keys that no other load reads, with small values: of 256 bytes they would take each member 3 GB of the one disk. */
const manyKeys = { first: 40_000_000, valueBytes: 32 };

const inWords = (count: number) => count.toLocaleString("en-US");

/** Loads that run only where they are named.
 *  @param scale What one and ten million keys, 100,000 leases and 10,000 watchers are multiplied by; in (0, 1]. */
export function longLoads(scale: number): readonly Load[] {
  // In whole thousands of keys, which `spreadOver` can spread over.
  const million = Math.ceil(1000 * scale) * 1000;
  const millionKeys = written(million);
  const leases = Math.ceil(100_000 * scale);
  const streams = Math.ceil(1000 * scale);
  const loads: readonly Load[] = [
    sizedLoad("put-16-bytes", 16, 1000),
    sizedLoad("put-4-kib", 4096, 1000),
    sizedLoad("put-64-kib", 65_536, 100),
    sizedLoad("put-1-mib", 1_048_576, 10),
    {
      name: "load-million",
      ...putLoad(1000, [{ figure: "perSecond", atLeast: 2 }]),
      what: `load of ${inWords(million)} keys in their order, ${valueBytes} bytes, 1000 clients`,
      keyNumber: (n) => n,
      requests: million,
    },
    {
      name: "load-ten-million",
      ...putLoad(1000, [], manyKeys.valueBytes),
      what: `load of ${inWords(10 * million)} keys in their order, ${manyKeys.valueBytes} bytes, 1000 clients`,
      keyNumber: (n) => manyKeys.first + n,
      requests: 10 * million,
    },
    {
      name: "memory-million",
      what: `serializable read of a key, 1 client, where there are ${inWords(million)} keys`,
      goals: [{ figure: "peakMb", atMost: 0.8 }],
      path: range,
      template: readTemplate({ serializable: true }),
      keyNumber: spreadOver(million),
      prepared: millionKeys,
      clients: 1,
      connections: 1,
    },
    {
      name: "keys-million",
      what: `range of ${inWords(million)} keys without values, 1 client`,
      goals: [
        { figure: "perSecond", atLeast: 1.5 },
        { figure: "growthMb", atMost: 1 },
      ],
      path: range,
      template: new RequestTemplate(() =>
        rangeRequest.encode({ key: keyOf(0), rangeEnd: keyOf(million), keysOnly: true }),
      ),
      keyNumber: (n) => n,
      prepared: millionKeys,
      clients: 1,
      connections: 1,
    },
    {
      name: "compaction",
      ...putLoad(100, [{ figure: "p99Ms", atMost: 1 }]),
      what: `put of ${valueBytes} bytes, 100 clients, while ${inWords(million)} revisions are compacted`,
      prepared: { job: { ...bulkOfPuts, keyNumber: spreadOver(keys) }, requests: million },
      compacts: true,
    },
    {
      name: "restart-million",
      what: `restart of one member, with ${inWords(million)} keys of ${valueBytes} bytes`,
      goals: restartGoals,
      prepared: millionKeys,
      restarts: "one",
    },
    {
      name: "restart-all-million",
      what: `restart of all members, with ${inWords(million)} keys of ${valueBytes} bytes`,
      goals: restartGoals,
      prepared: millionKeys,
      restarts: "all",
    },
    {
      name: "lease-100k",
      what: `grant of ${inWords(leases)} leases, a put of a key on each, and their expiry, 1000 clients`,
      goals: [{ figure: "perSecond", atLeast: 2 }],
      requests: leases,
      leases: {
        clients: 1000,
        connections: 100,
        firstNumber: leasedKeys,
        dueSeconds: 20 + Math.ceil(100 * scale),
      },
    },
    {
      name: "watch-10k",
      ...watchedPuts({ streams, watchersPerStream: 10, connections: Math.min(streams, 100) }),
      goals: [],
    },
  ];
  return loads.map((load) => ({ ...load, scale }));
}

/** Of the members that were started again. */
const restartGoals = [
  { figure: "seconds", atMost: 0.5 },
  { figure: "peakMb", atMost: 0.8 },
] as const;
