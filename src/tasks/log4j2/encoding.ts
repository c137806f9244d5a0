import { Refusal } from './refusal.ts';

type Encoding = 'utf8' | 'latin1';

const DECLARED = /^\uFEFF?<\?xml\s[^>]*?\bencoding\s*=\s*["']([^"']*)["']/;

/** The text of an XML file and the encoding that turns it back into the same bytes. */
export function decode(bytes: Buffer): { text: string; encoding: Encoding } {
  if ((bytes[0] === 0xfe && bytes[1] === 0xff) || (bytes[0] === 0xff && bytes[1] === 0xfe)) {
    throw new Refusal('the file is in UTF-16, which is not supported', 0);
  }
  const declaration = DECLARED.exec(bytes.toString('utf8', 0, 1024));
  const name = declaration?.[1]?.toLowerCase() ?? 'utf-8';
  const at = declaration ? declaration[0].length - declaration[1]!.length - 1 : 0;
  if (name === 'iso-8859-1' && bytes[0] !== 0xef)
    return { text: bytes.toString('latin1'), encoding: 'latin1' };
  if (name !== 'utf-8' && name !== 'utf8') {
    throw new Refusal(`the file declares the encoding ${declaration![1]}, which is not supported here`, at);
  }
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) {
    throw new Refusal(
      'the file is not valid UTF-8 from here on, whatever it declares',
      firstInvalid(text, bytes),
    );
  }
  return { text, encoding: 'utf8' };
}

/** Where decoding first put a replacement character that is not in the bytes. */
function firstInvalid(text: string, bytes: Buffer): number {
  let index = 0;
  let byte = 0;
  for (const character of text) {
    const encoded = Buffer.from(character);
    if (!bytes.subarray(byte, byte + encoded.length).equals(encoded)) break;
    byte += encoded.length;
    index += character.length;
  }
  return index;
}
