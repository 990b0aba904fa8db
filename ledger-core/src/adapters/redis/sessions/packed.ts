/**
 * Texts as a MessagePack list in one argument, which a script unpacks by `cmsgpack.unpack`. The client takes a third of
 * the time that it takes for an argument each, and may spend it before the script is sent.
 */
export function packTexts(texts: readonly string[]): Buffer {
  // A character is a byte.
  let packed = `\xdd${bytesOf(texts.length, 4)}`;
  for (const text of texts) {
    const length = Buffer.byteLength(text);
    const head = length < 256 ? `\xd9${bytesOf(length, 1)}` : `\xdb${bytesOf(length, 4)}`;
    packed += head + (length === text.length ? text : Buffer.from(text).toString("latin1"));
  }
  return Buffer.from(packed, "latin1");
}

/** The last bytes of a number, the most significant first. */
function bytesOf(number: number, count: 1 | 4): string {
  if (count === 1) return String.fromCharCode(number);
  return String.fromCharCode(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255);
}
