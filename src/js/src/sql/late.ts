/**
 * Classes of the session's part as the entries export them. A page imports them before any session has loaded the part: until then
 * nothing is an instance of them, for nothing can be; then they are those of the part. The build puts them in the place of the
 * classes that `api.ts` and `dstream.ts` name, whose declarations are those that users see.
 */
import { loadPart, type Part, part, whenLoaded } from './load_part.js';

type Class = new (...args: never[]) => object;
/** The part's classes. */
type Name = { [K in keyof Part]: Part[K] extends { prototype: object } ? K : never }[keyof Part];
/** Static methods that are of use before the part is there. */
type Early = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A class that is the part's class of that name when the part is there. Made before that, an instance is the error that says so. */
function late(name: Name, early: Early = {}): unknown {
  // A function, whose prototype can be set.
  function Late(...args: never[]): object {
    return Reflect.construct(part()[name] as unknown as Class, args, new.target ?? Late);
  }
  Object.assign(Late, early);
  whenLoaded((loaded) => {
    const real = loaded[name];
    // For classes that extend it already.
    Object.setPrototypeOf(Late.prototype, real.prototype);
    Late.prototype = real.prototype;
    for (const key of Object.keys(early)) delete (Late as unknown as Record<string, unknown>)[key];
    Object.setPrototypeOf(Late, real);
  });
  return Late;
}

export const Credentials = /* @__PURE__ */ late('Credentials');
export const DStream = /* @__PURE__ */ late('DStream');
export const RDD = /* @__PURE__ */ late('RDD');
export const SparkContext = /* @__PURE__ */ late('SparkContext');
/** What the static methods of `StreamingContext` do before a session has started: programs are made by those who start one. */
const EARLY: Early = {
  getActive: () => null,
  getOrCreate: async (...args: Parameters<Part['StreamingContext']['getOrCreate']>) =>
    (await loadPart()).StreamingContext.getOrCreate(...args),
  getActiveOrCreate: async (...args: Parameters<Part['StreamingContext']['getActiveOrCreate']>) =>
    (await loadPart()).StreamingContext.getActiveOrCreate(...args),
};
export const StreamingContext = /* @__PURE__ */ late('StreamingContext', EARLY);
