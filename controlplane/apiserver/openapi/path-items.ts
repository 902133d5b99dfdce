import { v2, v3 } from "./dialect.ts";
import {
  type Answer,
  byPath,
  codeWord,
  commonParameters,
  inOrder,
  type Operation,
  type Parameter,
  text,
} from "./operation.ts";

/** Operations as the `paths` of a document, in the form of either version. Pure. */

export type PathItems = Record<string, Record<string, unknown>>;

export function v2PathItems(
  operations: readonly Operation[],
  parameterOf: (parameter: object) => object,
): PathItems {
  return pathItems(operations, {
    parameter: (one) => parameterOf(v2Parameter(one)),
    operation: ({ consumes, produces, body, answers }, own) => ({
      ...(consumes.length > 0 && { consumes }),
      produces,
      schemes: ["https"],
      ...(own.length > 0 || body !== undefined
        ? { parameters: [...(body === undefined ? [] : [parameterOf(v2Body(body))]), ...own] }
        : {}),
      responses: responses(answers, (of) => ({ schema: schemaOf(of, v2.refTo) })),
    }),
  });
}

export function v3PathItems(operations: readonly Operation[]): PathItems {
  return pathItems(operations, {
    parameter: ({ name, in: place, type, description }) => ({
      name,
      in: place,
      description,
      ...(place === "path" && { required: true }),
      schema: { type, uniqueItems: true },
    }),
    operation: ({ consumes, produces, body, answers }, own) => {
      const content = (types: readonly string[], of: string) =>
        Object.fromEntries(types.map((type) => [type, { schema: schemaOf(of, v3.refTo) }]));
      return {
        ...(own.length > 0 && { parameters: own }),
        ...(body !== undefined && {
          requestBody: { content: content(consumes, body.of), ...(body.required && { required: true }) },
        }),
        responses: responses(answers, (of) => ({ content: content(produces, of) })),
      };
    },
  });
}

interface Writing {
  readonly parameter: (parameter: Parameter) => object;
  readonly operation: (operation: Operation, own: readonly object[]) => object;
}

function pathItems(operations: readonly Operation[], writing: Writing): PathItems {
  const out: PathItems = {};
  for (const [path, all] of byPath(operations)) {
    const common = commonParameters(all);
    const isCommon = (one: Parameter) =>
      common.some((other) => other.name === one.name && other.in === one.in);
    const item: Record<string, unknown> = {};
    for (const operation of all) {
      const { id, tag, description, action, gvk } = operation;
      const own = inOrder(operation.parameters.filter((one) => !isCommon(one))).map(writing.parameter);
      item[operation.method] = {
        tags: [tag],
        description,
        operationId: id,
        ...writing.operation(operation, own),
        ...(action !== undefined && { "x-kubernetes-action": action }),
        ...(gvk !== undefined && { "x-kubernetes-group-version-kind": gvk }),
      };
    }
    if (common.length > 0) item.parameters = inOrder(common).map(writing.parameter);
    out[path] = item;
  }
  return out;
}

function v2Parameter({ name, in: place, type, description }: Parameter): object {
  return {
    uniqueItems: true,
    type,
    description,
    name,
    in: place,
    ...(place === "path" && { required: true }),
  };
}

function v2Body({ of, required }: NonNullable<Operation["body"]>): object {
  return { name: "body", in: "body", ...(required && { required: true }), schema: schemaOf(of, v2.refTo) };
}

function responses(answers: readonly Answer[], written: (of: string) => object): object {
  return {
    ...Object.fromEntries(
      answers.map(({ code, of }) => [code, { description: codeWord(code), ...written(of) }]),
    ),
    "401": { description: "Unauthorized" },
  };
}

function schemaOf(of: string, refTo: (name: string) => object): object {
  return of === text ? { type: "string" } : refTo(of);
}

/** The definitions of which operations speak. */
export function spokenOf(operations: readonly Operation[]): ReadonlySet<string> {
  const all = operations.flatMap(({ body, answers }) => [
    ...(body ? [body.of] : []),
    ...answers.map(({ of }) => of),
  ]);
  return new Set(all.filter((of) => of !== text));
}
