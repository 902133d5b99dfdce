import { openSide, type SideName } from "./sides.ts";

/** One task of one client, in a process of its own. */
export interface Order {
  readonly side: SideName;
  readonly task: "list" | "cache" | "watch" | "create";
  readonly kubeconfig: string;
  readonly root: string;
  readonly resourceVersion: string;
  readonly events: number;
  readonly creates: number;
  readonly atOnce: number;
  /** So that names are new. */
  readonly prefix: string;
}

export interface Outcome {
  readonly wallMs: number;
  /** Of this process. */
  readonly cpuMs: number;
  readonly count: number;
  /** After a collection, beside what was there before. */
  readonly heapBytes: number;
  readonly residentMb: number;
}

const listRounds = 5;

async function measured(work: () => Promise<number>): Promise<Outcome> {
  collect();
  const before = process.memoryUsage().heapUsed;
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const count = await work();
  const wallMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  collect();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    wallMs,
    cpuMs: (user + system) / 1000,
    count,
    heapBytes: heapUsed - before,
    residentMb: rss / 2 ** 20,
  };
}

function collect(): void {
  for (let n = 0; n < 3; n++) globalThis.gc?.();
}

async function run(order: Order): Promise<Outcome> {
  const side = await openSide(order.side, order.kubeconfig, order.root);
  switch (order.task) {
    case "list":
      await side.list();
      return measured(async () => {
        let count = 0;
        for (let n = 0; n < listRounds; n++) count += await side.list();
        return count;
      });
    case "cache":
      return measured(() => side.cache());
    case "watch":
      return measured(async () => {
        await side.watch(order.resourceVersion, order.events);
        return order.events;
      });
    case "create":
      for (let n = 0; n < order.atOnce; n++) await side.create(`${order.prefix}-first-${n}`);
      return measured(async () => {
        let next = 0;
        const one = async () => {
          while (next < order.creates) await side.create(`${order.prefix}-${next++}`);
        };
        await Promise.all(Array.from({ length: order.atOnce }, one));
        return order.creates;
      });
  }
}

const outcome = await run(JSON.parse(process.argv[2] ?? "{}") as Order);
process.stdout.write(JSON.stringify(outcome), () => process.exit());
