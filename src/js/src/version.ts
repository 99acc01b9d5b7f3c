declare const __RIVULET_VERSION__: string | undefined;
declare const __RIVULET_BUILD__: string | undefined;
declare const __RIVULET_ENGINE_BYTES__: number | undefined;

/** Version of this package; facade, worker and engine must agree on it (checked when a session starts). */
export const VERSION: string = typeof __RIVULET_VERSION__ === 'string' ? __RIVULET_VERSION__ : '0.0.0-development';

/** Number of the build: that of the engine which goes with these scripts; empty where they were bundled without one. @internal */
export const BUILD: string = typeof __RIVULET_BUILD__ === 'string' ? __RIVULET_BUILD__ : '';

/** Version and build, on which facade and worker must agree. @internal */
export const FULL_VERSION: string = BUILD ? `${VERSION}+${BUILD}` : VERSION;

/** Bytes of the engine's file; 0 where that is not known. @internal */
export const ENGINE_BYTES: number = typeof __RIVULET_ENGINE_BYTES__ === 'number' ? __RIVULET_ENGINE_BYTES__ : 0;
