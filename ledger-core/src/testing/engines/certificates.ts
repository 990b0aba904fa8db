import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export type Certificates = { readonly ca: string; readonly files: { ca: string; certificate: string; key: string } };

/**
 * Makes, in a folder, a certificate authority valid for two days and a server certificate for a host name, and for
 * addresses if any are given; `ca` is the authority's PEM.
 */
export async function makeCertificates(
  folder: string,
  host = "localhost",
  addresses: readonly string[] = [],
): Promise<Certificates> {
  const file = (name: string) => join(folder, name);
  await run("openssl", [
    ...["req", "-x509", ...key, "-days", "2", "-subj", "/CN=payledger test authority"],
    ...["-keyout", file("ca.key"), "-out", file("ca.pem")],
  ]);
  await run("openssl", [
    "req",
    ...key,
    "-subj",
    `/CN=${host}`,
    "-keyout",
    file("server.key"),
    "-out",
    file("server.csr"),
  ]);
  const names = [`DNS:${host}`, ...addresses.map((address) => `IP:${address}`)].join();
  await writeFile(file("server.ext"), `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`);
  await run("openssl", [
    ...["x509", "-req", "-days", "2", "-CAcreateserial", "-in", file("server.csr"), "-out", file("server.pem")],
    ...["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-extfile", file("server.ext")],
  ]);
  const ca = await readFile(file("ca.pem"), "utf8");
  return { ca, files: { ca: file("ca.pem"), certificate: file("server.pem"), key: file("server.key") } };
}
