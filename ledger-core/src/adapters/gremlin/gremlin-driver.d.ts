/** The driver ships no types; this is the part that client.ts builds on. */
declare module "gremlin" {
  import type { Agent } from "node:http";

  type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value };

  interface Reader {
    readResponse(frame: Buffer): object;
  }

  interface ClientOptions {
    readonly mimeType: string;
    readonly traversalSource: string;
    readonly reader: Reader;
    readonly agent: Agent;
    readonly authenticator?: object;
    readonly ca?: string;
  }

  interface Client {
    open(): Promise<void>;
    submit(text: string, bindings: object): Promise<{ toArray(): readonly Value[] }>;
    close(): Promise<void>;
  }

  const gremlin: {
    readonly driver: {
      readonly Client: new (url: string, options: ClientOptions) => Client;
      readonly auth: { readonly PlainTextSaslAuthenticator: new (username: string, password: string) => object };
    };
  };
  export default gremlin;
}
