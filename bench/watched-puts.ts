import { putRequest } from "../proto/etcd.ts";
import { markedValue, TimedTemplate } from "./generator/marked-times.ts";
import { RequestTemplate } from "./generator/request-template.ts";
import { type WatcherCount, watchersIn } from "./generator/watched.ts";
import type { JobLoad } from "./load.ts";
import { keys, put, spreadOver, valueBytes } from "./requests.ts";

/** One writer whose puts all watchers are told of. */
export function watchedPuts(watched: WatcherCount): Omit<JobLoad, "name" | "goals"> {
  const { streams, watchersPerStream } = watched;
  const on =
    watchersPerStream === 1
      ? ""
      : ` on ${streams.toLocaleString("en-US")} ${streams === 1 ? "stream" : "streams"}`;
  return {
    what: `events of one writer's puts of ${valueBytes} bytes to ${watchersIn(watched)} watchers${on}`,
    path: put,
    template: new TimedTemplate(
      new RequestTemplate((key) => putRequest.encode({ key, value: markedValue(valueBytes) })),
    ),
    keyNumber: spreadOver(keys),
    clients: 1,
    connections: 1,
    watched,
  };
}
