import { readFileSync } from "node:fs";

/** Prints reports and recommendations of a sample's accounts, as clients read them: <URL> <file of a token>. */
const [url = "", tokenFile = ""] = process.argv.slice(2);
const authorization = `Bearer ${readFileSync(tokenFile, "utf8").trim()}`;

const merchants = await get("/v1/accounts?type=merchant&limit=1");
const shop = merchants.data?.[0]?.id;
print(`report of ${shop}`, await get(`/v1/accounts/${shop}/reports/monthly-summary?limit=2`));
const wallets = await get("/v1/accounts?type=wallet&limit=1");
const payer = wallets.data?.[0]?.id;
print(`recommendations to ${payer}`, await get(`/v1/accounts/${payer}/recommendations?limit=2`));

type Answer = { readonly data?: readonly { readonly id?: string }[] };

/** @throws with the answer unless it is 200 and holds data */
async function get(path: string): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { headers: { authorization } });
  const text = await response.text();
  const answer: Answer = JSON.parse(text);
  if (response.status !== 200 || !answer.data?.length) throw new Error(`${path}: ${response.status} ${text}`);
  return answer;
}

function print(title: string, answer: Answer): void {
  console.log(`${title}: ${JSON.stringify(answer, null, 1)}`);
}
