import type { FlowSchema } from "../../../client/types.ts";

/** As whom it is said. */
export const danglingManager = "api-priority-and-fairness-config-consumer-v1";

/** What the schema's condition should say; `undefined` where it does. Pure. */
export function danglingCondition({ spec, status }: FlowSchema, levels: ReadonlySet<string>) {
  const { name } = spec.priorityLevelConfiguration;
  const isThere = levels.has(name);
  const about = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
  const wanted = {
    type: "Dangling",
    status: isThere ? "False" : "True",
    reason: isThere ? "Found" : "NotFound",
    message: isThere ? `${about} and it exists` : `${about} but there is no such object`,
  };
  const now = status?.conditions?.find(({ type }) => type === "Dangling");
  const isSaid =
    now?.status === wanted.status && now.reason === wanted.reason && now.message === wanted.message;
  return isSaid ? undefined : wanted;
}
