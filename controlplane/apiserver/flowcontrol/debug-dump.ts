import type { FlowControl } from "./flow-control.ts";

/** Kubernetes' tables of what goes on in priority and fairness, under /debug/api_priority_and_fairness. Pure. */

type Row = readonly (string | number | boolean)[];

/** `undefined` for a path that is none of them. */
export function flowDump(
  flows: FlowControl,
  [folder, name, ...rest]: readonly string[],
  query: URLSearchParams,
): string | undefined {
  if (folder !== "api_priority_and_fairness" || rest.length > 0) return undefined;
  switch (name) {
    case "dump_priority_levels":
      return textTable(levelRows(flows));
    case "dump_queues":
      return textTable(queueRows(flows));
    case "dump_requests":
      return textTable(requestRows(flows, (query.get("includeRequestDetails") ?? "") !== ""));
    default:
      return undefined;
  }
}

function levelRows({ levels }: FlowControl): readonly Row[] {
  const head =
    "PriorityLevelName ActiveQueues IsIdle IsQuiescing WaitingRequests ExecutingRequests DispatchedRequests RejectedRequests TimedoutRequests CancelledRequests";
  const rows = [...levels.all].map(({ name, queues, isLeaving, dispatched, rejected, cancelled }): Row => {
    const active = queues.dump().filter(({ waiting }) => waiting.length > 0).length;
    const { isIdle, waiting, executing } = queues;
    return [name, active, isIdle, isLeaving, waiting, executing, dispatched, rejected, 0, cancelled];
  });
  return [head.split(" "), ...rows.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))];
}

function queueRows({ levels }: FlowControl): readonly Row[] {
  const head =
    "PriorityLevelName Index PendingRequests ExecutingRequests SeatsInUse NextDispatchR InitialSeatsSum MaxSeatsSum TotalWorkSum";
  const rows = [...levels.all].flatMap(({ name, queues }) =>
    queues.dump().map((queue, index): Row => {
      const { waiting, executing, seatsInUse, nextVirtual, workWaiting, seatsWaiting } = queue;
      const initial = waiting.reduce((sum, { estimate }) => sum + estimate.initialSeats, 0);
      return [
        name,
        index,
        waiting.length,
        executing,
        seatsInUse,
        seatSeconds(nextVirtual),
        initial,
        seatsWaiting,
        seatSeconds(workWaiting),
      ];
    }),
  );
  return [head.split(" "), ...rows];
}

function requestRows({ requests, levels, wallMsOf }: FlowControl, withDetails: boolean): readonly Row[] {
  const head =
    "PriorityLevelName FlowSchemaName QueueIndex RequestIndexInQueue FlowDistingsher ArriveTime InitialSeats FinalSeats AdditionalLatency StartTime";
  const details = "UserName Verb APIPath Namespace Name APIVersion Resource SubResource";
  const places = new Map(
    [...levels.all].flatMap(({ queues }) =>
      queues
        .dump()
        .flatMap(({ waiting }, index) => waiting.map((ticket, at) => [ticket, [index, at]] as const)),
    ),
  );
  const time = (monotonicMs: number) =>
    monotonicMs === 0 ? "0001-01-01T00:00:00Z" : new Date(wallMsOf(monotonicMs)).toISOString();
  const rows = [...requests].map(({ level, schema, flow, ticket, asking }): Row => {
    const { initialSeats, finalSeats, lingerMs } = ticket.estimate;
    const [queue, at] = places.get(ticket) ?? [-1, -1];
    const row: Row = [
      level,
      schema,
      queue,
      at,
      flow,
      time(ticket.arrivedMs),
      initialSeats,
      finalSeats,
      lingerMs === 0 ? "0s" : `${lingerMs}ms`,
      time(ticket.startedMs),
    ];
    if (!withDetails) return row;
    const { user, info } = asking;
    const {
      namespace = "",
      name = "",
      group = "",
      version = "",
      plural = "",
      subresource = "",
    } = info.resource ?? {};
    const apiVersion = group === "" ? version : `${group}/${version}`;
    return [...row, user.name, info.verb, info.path, namespace, name, apiVersion, plural, subresource];
  });
  return [(withDetails ? `${head} ${details}` : head).split(" "), ...rows];
}

const seatSeconds = (value: number) => `${value.toFixed(8)}ss`;

/** Columns one below the other, as Go's tabwriter sets them. */
function textTable(rows: readonly Row[]): string {
  const texts = rows.map((row) =>
    row.map((cell, at) => (at < row.length - 1 ? `${cell},` : String(cell)).replaceAll(/[\t\n]/g, " ")),
  );
  const columns = Math.max(...texts.map((row) => row.length));
  const widths = Array.from({ length: columns - 1 }, (_, at) =>
    Math.max(8, 1 + Math.max(...texts.map((row) => row[at]?.length ?? 0))),
  );
  return texts.map((row) => `${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join("")}\n`).join("");
}
