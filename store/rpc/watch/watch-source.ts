import type { WatchHub } from "../../watch/hub.ts";

/** What the watch service needs of the state. */
export type WatchSource = Pick<WatchHub, "watch" | "tell">;
