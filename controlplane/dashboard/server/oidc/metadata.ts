import { isSignatureAlgorithm } from "../../../../base/os/jws.ts";

/** What a provider says of itself at `/.well-known/openid-configuration`, as far as signing in goes. */
export interface ProviderMetadata {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string | undefined;
  readonly endSessionEndpoint: string | undefined;
  /** How the client shows its secret. */
  readonly secretBy: "basic" | "post";
  /** Whether it names itself when it sends people back (RFC 9207). */
  readonly namesItself: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Throws an Error that says what is wrong with it. Pure. */
export function readMetadata(said: JsonObject, issuer: string): ProviderMetadata {
  if (said.issuer !== issuer)
    throw new Error(
      `it calls itself ${JSON.stringify(said.issuer ?? "")}, which must be --oidc-issuer-url to the letter`,
    );
  const offered = (field: string): readonly unknown[] | undefined => {
    const value = said[field];
    if (value !== undefined && !Array.isArray(value)) throw new Error(`its ${field} is no list`);
    return value;
  };
  const requires = (field: string, isFine: (one: unknown) => boolean, what: string) => {
    const values = offered(field);
    if (values !== undefined && !values.some(isFine)) throw new Error(`its ${field} are without ${what}`);
  };
  requires("response_types_supported", (one) => one === "code", "code");
  requires("code_challenge_methods_supported", (one) => one === "S256", "S256");
  requires("id_token_signing_alg_values_supported", isSignatureAlgorithm, "any that Kubernetes takes");
  const methods = offered("token_endpoint_auth_methods_supported") ?? ["client_secret_basic"];
  return {
    authorizationEndpoint: endpoint(said, "authorization_endpoint"),
    tokenEndpoint: endpoint(said, "token_endpoint"),
    revocationEndpoint: optionalEndpoint(said, "revocation_endpoint"),
    endSessionEndpoint: optionalEndpoint(said, "end_session_endpoint"),
    secretBy:
      !methods.includes("client_secret_basic") && methods.includes("client_secret_post") ? "post" : "basic",
    namesItself: said.authorization_response_iss_parameter_supported === true,
  };
}

const optionalEndpoint = (said: JsonObject, field: string): string | undefined =>
  said[field] === undefined ? undefined : endpoint(said, field);

function endpoint(said: JsonObject, field: string): string {
  const value = said[field];
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "" || url.hash !== "")
    throw new Error(`its ${field} ${JSON.stringify(value ?? "")} is no https URL`);
  return url.href;
}
