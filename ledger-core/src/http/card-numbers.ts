const candidate = /(?<![\p{L}\p{N}])\d(?:[ .-]?\d){12,18}(?![\p{L}\p{N}])/gu;

/**
 * The ranges of issuers that are in use, as [prefix from, prefix to, lengths]: Visa, Mastercard (two), American Express,
 * Diners Club, Discover, JCB, UnionPay, Maestro.
 */
const issuers: readonly (readonly [from: string, to: string, lengths: readonly number[]])[] = [
  ["4", "4", [13, 16, 19]],
  ["51", "55", [16]],
  ["2221", "2720", [16]],
  ["34", "34", [15]],
  ["37", "37", [15]],
  ["300", "305", [14]],
  ["36", "36", [14]],
  ["38", "39", [14]],
  ["6011", "6011", [16, 19]],
  ["644", "649", [16, 19]],
  ["65", "65", [16, 19]],
  ["3528", "3589", [16, 17, 18, 19]],
  ["62", "62", [16, 17, 18, 19]],
  ["5018", "5018", [16, 19]],
  ["5020", "5020", [16, 19]],
  ["5038", "5038", [16, 19]],
  ["6304", "6304", [16, 19]],
];

/**
 * Whether a text holds what can only be a card number: an issuer's range, a length of that issuer, and the Luhn check digit,
 * standing by itself. An order number that merely is long passes, because all three must hold.
 */
export function holdsCardNumber(text: string): boolean {
  if (text.length < 13) return false;
  for (const [match] of text.matchAll(candidate)) if (isCardNumber(match.replaceAll(/[ .-]/g, ""))) return true;
  return false;
}

function isCardNumber(digits: string): boolean {
  return (
    issuers.some(([from, to, lengths]) => {
      const prefix = digits.slice(0, from.length);
      return prefix >= from && prefix <= to && lengths.includes(digits.length);
    }) && passesLuhn(digits)
  );
}

function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
