/**
 * Imports a module whose URL is known only when this runs. Bundlers leave an import alone if these words stand in it; minifying drops
 * them, so the build puts its own line in place of this file (`scripts/build/bundle.mjs`).
 */
export const loadModule = (url: string): Promise<unknown> =>
  import(/* webpackIgnore: true */ /* turbopackIgnore: true */ /* @vite-ignore */ url);
