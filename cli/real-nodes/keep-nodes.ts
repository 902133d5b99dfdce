import type { KeeperMessage, KeeperOrder, NumberedOrder } from "../../cluster/real/keeper-orders.ts";
import type { CommandIo } from "../command.ts";
import { OperatorError } from "../command.ts";
import { systemOs } from "../run-component.ts";
import { KeptNodes } from "./kept-nodes.ts";

/** `pintle __nodes`: keeps the real nodes of a cluster that is in another process, its parent, which says what to do. Nothing of
 *  them outlives either: they end with the order to close, with the parent, however it ends, and by SIGTERM. */
export async function keepNodes(io: CommandIo): Promise<number> {
  if (process.send === undefined) {
    io.stderr("pintle __nodes: is what a cluster inside a test starts for its real nodes\n");
    return 2;
  }
  const os = systemOs("warn", "text");
  let nodes: KeptNodes | undefined;
  const tell = (message: KeeperMessage) => {
    // Nobody hears it where the parent has just gone.
    if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
  };
  const carryOut = async (order: KeeperOrder): Promise<unknown> => {
    if (order.do === "open") {
      nodes = await KeptNodes.open(order, os, (ended, why) => tell({ ended, why }));
      return nodes.network;
    }
    if (nodes === undefined) throw new Error("no nodes are kept yet");
    switch (order.do) {
      case "place":
        return nodes.place(order.node);
      case "boot":
        return nodes.boot(order.node, order.identity);
      case "halt":
        return nodes.halt(order.node);
      case "route":
        return nodes.route(order.node, order.podRanges);
      case "remove":
        return nodes.remove(order.node);
      case "close":
        return undefined;
    }
  };
  const underWay = new Set<Promise<void>>();
  const answer = async ({ id, ...order }: NumberedOrder): Promise<void> => {
    try {
      tell({ id, value: await carryOut(order) });
    } catch (error) {
      const isOutside =
        error instanceof OperatorError || (error instanceof Error && error.name === "UsageError");
      tell({ id, error: error instanceof Error ? error.message : String(error), isOutside });
    }
  };
  const closing = await new Promise<NumberedOrder | undefined>((resolve) => {
    process.on("message", (order: NumberedOrder) => {
      if (order.do === "close") return resolve(order);
      const done = answer(order).finally(() => underWay.delete(done));
      underWay.add(done);
    });
    process.on("disconnect", () => resolve(undefined));
    io.signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  await Promise.all(underWay);
  try {
    await nodes?.close();
    if (closing !== undefined) tell({ id: closing.id });
  } catch (error) {
    if (closing === undefined) throw error;
    tell({ id: closing.id, error: error instanceof Error ? error.message : String(error), isOutside: true });
  }
  if (process.connected) process.disconnect();
  return 0;
}
