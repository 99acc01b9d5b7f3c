// What react.ts uses of React, which the page brings: the package needs no types of it.
declare module 'react' {
  export function useEffect(effect: () => undefined | (() => void), dependencies: readonly unknown[]): void;
  export function useRef<T>(initial: T): { current: T };
  export function useState<T>(initial: T): [T, (next: T | ((now: T) => T)) => void];
}
