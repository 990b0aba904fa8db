import { InvalidArgumentError } from "commander";

/** Readers of option values; an invalid value is a usage error that names the option. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

const unitSeconds = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3600],
  ["d", 86_400],
]);

/** Parses `90s`, `15m`, `12h` or `30d` into seconds. */
export function duration(text: string): number {
  const match = /^([1-9]\d{0,5})([smhd])$/.exec(text);
  const unit = unitSeconds.get(match?.[2] ?? "");
  if (!match || unit === undefined) throw new InvalidArgumentError("It must be like 90s, 15m, 12h or 30d.");
  return Number(match[1]) * unit;
}

export function httpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.origin;
  throw new InvalidArgumentError("It must be like http://127.0.0.1:8080.");
}
