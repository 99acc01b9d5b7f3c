// Queries that are kept: in the address, for others, and in this browser.
const KEY = 'rivulet-playground';

const piped = async (bytes, stream) => new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());

/** A query as a hash that begins with `#q=`: deflated JSON in URL-safe base64. */
export async function toHash({ language, text }) {
  const bytes = await piped(new TextEncoder().encode(JSON.stringify([language, text])), new CompressionStream('deflate-raw'));
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return `#q=${base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`;
}

/** The query of a hash; null if it has none that can be read. */
export async function fromHash(hash) {
  const [, base64] = /^#q=([\w-]+)$/.exec(hash) ?? [];
  if (!base64) return null;
  try {
    const bytes = Uint8Array.from(atob(base64.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
    const [language, text] = JSON.parse(new TextDecoder().decode(await piped(bytes, new DecompressionStream('deflate-raw'))));
    return (language === 'sql' || language === 'js') && typeof text === 'string' ? { language, text } : null;
  } catch {
    return null;
  }
}

/** What this browser has kept: `draft`, the query as it was last, and `saved`, by name. Storage may be refused. */
export function kept() {
  try {
    const { draft = null, saved = {} } = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return { draft, saved };
  } catch {
    return { draft: null, saved: {} };
  }
}

/** Changes what is kept; returns whether that was possible. */
export function keep(change) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...kept(), ...change }));
    return true;
  } catch {
    return false;
  }
}
