/** A cell of a CSV file: texts may come from anywhere, numbers and dates are the ledger's own. */
type CsvCell = string | number | boolean;

const number = /^-?\d+$/;
/** Characters with which a spreadsheet begins a formula. */
const formula = /^[=+\-@\t\r]/;

/** RFC 4180, with a header line. A text that a spreadsheet would run as a formula gets a quote in front. */
export function csvOf(columns: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [columns, ...rows].map((cells) => `${cells.map(cellText).join(",")}\r\n`).join("");
}

function cellText(cell: CsvCell): string {
  const text = String(cell);
  const safe = formula.test(text) && !number.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Whether an Accept header prefers CSV to JSON. */
export function prefersCsv(accept: string | undefined): boolean {
  const weights = { "text/csv": 0, "application/json": 0 };
  for (const range of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const given = parameters.find((parameter) => parameter.startsWith("q="));
    const weight = given === undefined ? 1 : Number(given.slice(2));
    if ((type === "text/csv" || type === "application/json") && weight >= 0 && weight <= 1) weights[type] = weight;
  }
  return weights["text/csv"] > weights["application/json"];
}
