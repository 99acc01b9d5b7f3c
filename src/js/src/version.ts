declare const __RIVULET_VERSION__: string | undefined;

/** Version of this package; facade, worker and engine must agree on it (checked in the start-up handshake). */
export const VERSION: string = typeof __RIVULET_VERSION__ === 'string' ? __RIVULET_VERSION__ : '0.0.0-development';
