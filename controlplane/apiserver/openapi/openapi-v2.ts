import { exactJsonText } from "../../../base/exact-json.ts";
import { dropSchemaDocs, type SchemaDocs, schemaDocs } from "../schema/load.ts";
import { type CustomServed, customDefinitions } from "./custom-definitions.ts";
import { customOperations } from "./custom-operations.ts";
import { definitions } from "./definitions.ts";
import { v2 } from "./dialect.ts";
import { apiInfo, bearerToken } from "./openapi-v3.ts";
import { Parameters } from "./parameters.ts";
import { spokenOf, v2PathItems } from "./path-items.ts";
import { builtInOperations, type Catalogue } from "./served-operations.ts";
import { SharedParameters } from "./shared-parameters.ts";

/** A Swagger 2.0 document; no more than what this folder writes into one. */
export interface SwaggerDocument {
  readonly swagger: "2.0";
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly definitions: Readonly<Record<string, object>>;
  readonly parameters: Readonly<Record<string, object>>;
  readonly securityDefinitions: Readonly<Record<string, object>>;
  readonly security: readonly object[];
}

/** Entries of `paths` and `definitions` as JSON text, without the braces around them. */
interface Piece {
  readonly paths: string;
  readonly definitions: string;
}

/** Writes the one document of all that is served. What it made of a kind is kept as long as the kind stays the same, so that a
 *  change of one definition costs that one and the joining of texts. */
export class SwaggerWriter {
  readonly #shared = new SharedParameters();
  readonly #ofCustom = new WeakMap<object, Piece>();
  #ofBuiltIn: { readonly names: string; readonly piece: Piece } | undefined;

  json(catalogue: Catalogue): string {
    const pieces = [
      this.#builtIn(catalogue),
      ...[...catalogue.custom.values()].flat().map((one) => this.#custom(one)),
    ];
    dropSchemaDocs();
    const joined = (of: keyof Piece) => `{${pieces.map((piece) => piece[of]).join(",")}}`;
    return [
      `{"swagger":"2.0","info":${JSON.stringify(apiInfo)}`,
      `"paths":${joined("paths")}`,
      `"definitions":${joined("definitions")}`,
      `"parameters":${JSON.stringify(this.#shared.all())}`,
      `"securityDefinitions":${JSON.stringify(bearerToken)}`,
      `"security":[{"BearerToken":[]}]}`,
    ].join(",");
  }

  #builtIn(catalogue: Catalogue): Piece {
    const names = JSON.stringify([...catalogue.builtIn.keys()]);
    if (this.#ofBuiltIn?.names === names) return this.#ofBuiltIn.piece;
    const docs = schemaDocs();
    const operations = builtInOperations(catalogue, new Parameters(docs));
    const made = {
      paths: entries(v2PathItems(operations, this.#shared.use)),
      definitions: entries(definitions(spokenOf(operations), { dialect: v2, docs })),
    };
    this.#ofBuiltIn = { names, piece: made };
    return made;
  }

  #custom(served: CustomServed): Piece {
    const made = this.#ofCustom.get(served.custom) ?? customPiece(served, schemaDocs(), this.#shared);
    this.#ofCustom.set(served.custom, made);
    return made;
  }
}

function customPiece(served: CustomServed, docs: SchemaDocs, shared: SharedParameters): Piece {
  const operations = customOperations(served, new Parameters(docs));
  return {
    paths: entries(v2PathItems(operations, shared.use)),
    definitions: entries(customDefinitions(served, { dialect: v2, docs })),
  };
}

const entries = (object: object) => exactJsonText(object).slice(1, -1);
