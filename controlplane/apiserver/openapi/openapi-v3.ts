import { exactJsonText } from "../../../base/exact-json.ts";
import { kubernetesVersion } from "../../../client/version.ts";
import { dropSchemaDocs, schemaDocs } from "../schema/load.ts";
import { customDefinitions } from "./custom-definitions.ts";
import { customOperations } from "./custom-operations.ts";
import { definitions, type GroupVersion } from "./definitions.ts";
import { v3 } from "./dialect.ts";
import { customOptionVersions } from "./option-versions.ts";
import { Parameters } from "./parameters.ts";
import { spokenOf, v3PathItems } from "./path-items.ts";
import { builtInOperations, type Catalogue } from "./served-operations.ts";

/** The document of one path (`apis/apps/v1`, `version`) as JSON text; undefined if nothing is served there. */
export function openapiV3Document(catalogue: Catalogue, path: string): string | undefined {
  const text = builtInDocument(catalogue, path) ?? customDocument(catalogue, path);
  dropSchemaDocs();
  return text;
}

export const apiInfo = {
  title: "Kubernetes",
  version: `${kubernetesVersion.major}.${kubernetesVersion.minor}`,
};

export const bearerToken = {
  BearerToken: {
    type: "apiKey",
    description: "Bearer Token authentication",
    name: "authorization",
    in: "header",
  },
};

function builtInDocument(catalogue: Catalogue, path: string): string | undefined {
  if (!catalogue.builtIn.has(path)) return undefined;
  const docs = schemaDocs();
  const operations = builtInOperations(catalogue, new Parameters(docs), path);
  const schemas = definitions(spokenOf(operations), { dialect: v3, docs, optionsOf: optionsIn(path) });
  return JSON.stringify({
    openapi: "3.0.0",
    info: apiInfo,
    paths: v3PathItems(operations),
    components: {
      ...(Object.keys(schemas).length > 0 && { schemas }),
      securitySchemes: bearerToken,
    },
  });
}

/** Options are known in the core group and in the document's own. */
function optionsIn(path: string): readonly GroupVersion[] {
  const [root, group = "", version = ""] = path.split("/");
  const core = { group: "", version: "v1" };
  return root === "api" ? [core] : [core, { group, version }];
}

function customDocument({ custom }: Catalogue, path: string): string | undefined {
  const served = custom.get(path);
  if (served === undefined) return undefined;
  const docs = schemaDocs();
  const parameters = new Parameters(docs);
  const operations = served.flatMap((one) => customOperations(one, parameters));
  const own = served.map((one) => customDefinitions(one, { dialect: v3, docs }));
  const known = definitions([...spokenOf(operations), ...metas], {
    dialect: v3,
    docs,
    optionsOf: customOptionVersions,
  });
  return exactJsonText({
    openapi: "3.0.0",
    info: { title: "Kubernetes CRD Swagger", version: "v0.1.0" },
    paths: v3PathItems(operations),
    components: { schemas: Object.assign({}, ...own, known) },
  });
}

const metas = ["ObjectMeta", "ListMeta"].map((kind) => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`);
