/** A measure's expression as SQL over tables of the model's names. Knows the part of DAX that the project uses. */
export function measureSql(name: string, measures: ReadonlyMap<string, string>): string {
  const dax = measures.get(name);
  if (dax === undefined) throw new Error(`no measure ${name}`);
  const tokens = tokensOf(dax);
  let at = 0;
  const peek = () => tokens[at] ?? { kind: "end", text: "" };
  const take = () => tokens[at++] ?? { kind: "end", text: "" };
  const expect = (text: string) => {
    const token = take();
    if (token.text !== text) throw new Error(`${name}: ${text} expected, not ${token.text}`);
  };

  function chain(operators: string, operand: () => string): string {
    let text = operand();
    while (peek().kind === "sign" && operators.includes(peek().text)) text = `(${text} ${take().text} ${operand()})`;
    return text;
  }
  const sum = (): string => chain("+-", () => chain("*/", factor));

  function factor(): string {
    const token = take();
    if (token.kind === "number") return `${token.text}.0`;
    // Without a table around it, a column is that of the row which SUMX is at.
    if (token.kind === "column") return token.text;
    if (token.kind === "measure") return measureSql(token.text, measures);
    if (token.text === "(") {
      const inner = sum();
      expect(")");
      return inner;
    }
    expect("(");
    const text = call(token.text);
    expect(")");
    return text;
  }

  function column(): { table: string; column: string } {
    const { kind, text, table = "" } = take();
    if (kind !== "column") throw new Error(`${name}: a column expected, not ${text}`);
    return { table, column: text };
  }

  function call(of: string): string {
    if (of === "SUM" || of === "MIN") {
      const { table, column: summed } = column();
      return `(SELECT ${of}(${summed}) FROM ${table})`;
    }
    if (of === "HASONEVALUE") {
      const { table, column: only } = column();
      return `(SELECT count(DISTINCT ${only}) = 1 FROM ${table})`;
    }
    const first = of === "SUMX" ? take().text : sum();
    expect(",");
    const second = sum();
    if (of === "SUMX") return `(SELECT SUM(${second}) FROM ${first})`;
    if (of === "DIVIDE") return `(CAST(${first} AS REAL) / NULLIF(${second}, 0))`;
    if (of === "IF") return `(CASE WHEN ${first} THEN ${second} END)`;
    throw new Error(`${name}: unknown ${of}`);
  }

  const text = sum();
  if (peek().kind !== "end") throw new Error(`${name}: ${peek().text} is left over`);
  return text;
}

type Token = { readonly kind: string; readonly text: string; readonly table?: string };

function tokensOf(dax: string): readonly Token[] {
  const pattern = /\s*(?:(\d+)|(\w+)\[([^\]]+)\]|\[([^\]]+)\]|(\w+)|([()+\-*/,]))/y;
  const tokens: Token[] = [];
  while (pattern.lastIndex < dax.length) {
    const from = pattern.lastIndex;
    const [, number, table, column, measure, word, sign] = pattern.exec(dax) ?? [];
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (table !== undefined && column !== undefined) tokens.push({ kind: "column", text: column, table });
    else if (measure !== undefined) tokens.push({ kind: "measure", text: measure });
    else if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else throw new Error(`cannot read ${dax.slice(from)}`);
  }
  return tokens;
}
