const separators = String.raw`[\p{Zs}\p{Pd}\p{Pc}.\u00ad\u00b7\u200b-\u200d\u2022\u2060\u2212\ufeff]{1,2}`;
/**
 * Digits in any script, alone or in groups with one or two separators between them, not attached to a letter or another
 * number.
 */
const digitRuns = new RegExp(String.raw`(?<![\p{L}\p{N}])\p{Nd}+(?:${separators}\p{Nd}+)*(?![\p{L}\p{N}])`, "gu");
const DIGITS_MIN = 13;
const DIGITS_MAX = 19;
const GAP_MAX = 2;

/**
 * The ranges of issuers that are in use, as [prefix from, prefix to, lengths]: Visa, Mastercard (two), American
 * Express, Diners Club, Discover, JCB, UnionPay, Maestro.
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

/** The form of a UUID: card numbers are not grouped so. */
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Whether a text contains a card number: an issuer's range, a length of that issuer, and the Luhn check digit, in
 * consecutive groups of digits. A long order number passes, because all three must match; so does a UUID, of which
 * one in some 60,000 would match by chance.
 */
export function holdsCardNumber(text: string): boolean {
  if (text.length < DIGITS_MIN || !mayHoldCardNumber(text) || uuid.test(text)) return false;
  // Circled, superscript and full-width digits become plain ones.
  for (const [run] of text.normalize("NFKC").matchAll(digitRuns)) if (runHoldsCardNumber(run)) return true;
  return false;
}

/**
 * Quick first test: 13 digits with only separators between, or anything beyond ASCII. Most texts and keys stop here.
 */
function mayHoldCardNumber(text: string): boolean {
  let digits = 0;
  let gap = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return true;
    if (code >= 0x30 && code <= 0x39) {
      if (++digits === DIGITS_MIN) return true;
      gap = 0;
    } else if (!isAsciiSeparator(code) || ++gap > GAP_MAX) digits = 0;
  }
  return false;
}

/** Space, dash, dot and underscore: the separators of card numbers within ASCII. */
export function isAsciiSeparator(code: number): boolean {
  return code === 0x20 || code === 0x2d || code === 0x2e || code === 0x5f;
}

function runHoldsCardNumber(run: string): boolean {
  const groups = Array.from(run.matchAll(/\p{Nd}+/gu), ([group]) => Array.from(group, digitOf).join(""));
  for (let first = 0; first < groups.length; first++) {
    let digits = "";
    for (let next = first; next < groups.length && digits.length <= DIGITS_MAX; next++) {
      digits += groups[next];
      if (digits.length >= DIGITS_MIN && isCardNumber(digits)) return true;
    }
  }
  return false;
}

/** The value of a digit of any script: in Unicode the digits of a script are consecutive, from zero to nine. */
function digitOf(digit: string): number {
  const code = digit.codePointAt(0) ?? 0;
  if (code <= 0x39) return code - 0x30;
  const known = digitValues.get(code);
  if (known !== undefined) return known;
  let zero = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  const value = (code - zero) % 10;
  digitValues.set(code, value);
  return value;
}

/** At most the decimal digits of Unicode, some 700. */
const digitValues = new Map<number, number>();

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
