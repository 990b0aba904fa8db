const DIGIT_BITS = 11;
const DIGITS = 2 ** DIGIT_BITS;
const PASSES = 3;

/** The indexes of the numbers in ascending order; a stable radix sort. */
export function sortedPlaces(numbers: Uint32Array): Uint32Array {
  const size = numbers.length;
  let from = new Uint32Array(size);
  let to = new Uint32Array(size);
  for (let i = 0; i < size; i++) from[i] = i;
  const starts = new Uint32Array(DIGITS);
  for (let pass = 0; pass < PASSES; pass++) {
    const shift = pass * DIGIT_BITS;
    countDigits(numbers, shift, starts);
    for (let i = 0; i < size; i++) {
      const place = from[i] ?? 0;
      const digit = ((numbers[place] ?? 0) >>> shift) & (DIGITS - 1);
      const next = starts[digit] ?? 0;
      starts[digit] = next + 1;
      to[next] = place;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** Computes where each digit's numbers begin. */
function countDigits(numbers: Uint32Array, shift: number, starts: Uint32Array): void {
  starts.fill(0);
  for (let i = 0; i < numbers.length; i++) {
    const digit = ((numbers[i] ?? 0) >>> shift) & (DIGITS - 1);
    starts[digit] = (starts[digit] ?? 0) + 1;
  }
  let start = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const count = starts[digit] ?? 0;
    starts[digit] = start;
    start += count;
  }
}
