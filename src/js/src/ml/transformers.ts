import type { HasInputCol, HasInputCols, HasOutputCol } from './feature.js';
import { type MLWritable, type StageClass, spec, type Transformer, transformer } from './stage.js';
import type { Vector } from './vector.js';

type One = HasInputCol & HasOutputCol;
type T<P> = StageClass<P, Transformer & MLWritable>;

const ONE = 'inputCol outputCol';

/** Takes some features of a vector, by index and then by name (`VectorSlicer`). */
export const VectorSlicer: T<
  One & {
    /** Indices of the features, in their new order. */
    indices: readonly number[];
    /** Names of features, which {@link VectorAssembler} takes from its input columns, in their new order. */
    names: readonly string[];
  }
> = transformer(spec('feature.VectorSlicer', `${ONE} indices=[] names=[]`));
/** An instance of {@link VectorSlicer}. */
export type VectorSlicer = InstanceType<typeof VectorSlicer>;

/** Holds the vectors of a column to one size, in place (`VectorSizeHint`). */
export const VectorSizeHint: T<
  HasInputCol & {
    /** The size of the vectors. */
    size: number;
    /** `error` (the default) fails at null and at another size, `skip` drops the row, `optimistic` looks at no row. */
    handleInvalid: 'error' | 'skip' | 'optimistic';
  }
> = transformer(spec('feature.VectorSizeHint', 'inputCol handleInvalid="error" size'));
/** An instance of {@link VectorSizeHint}. */
export type VectorSizeHint = InstanceType<typeof VectorSizeHint>;

/** Multiplies each feature by that of one vector (`ElementwiseProduct`). */
export const ElementwiseProduct: T<One & { /** What each feature is multiplied with. */ scalingVec: Vector }> = transformer(
  spec('feature.ElementwiseProduct', `${ONE} scalingVec`),
);
/** An instance of {@link ElementwiseProduct}. */
export type ElementwiseProduct = InstanceType<typeof ElementwiseProduct>;

/**
 * Expands vectors into all products of features up to a degree: (x, y) into (x, x², y, xy, y²) (`PolynomialExpansion`).
 * @example
 * ```ts
 * const assembled = new ml.VectorAssembler({ inputCols: ['x', 'y'], outputCol: 'v' }).transform(spark.createDataFrame([{ x: 2, y: 3 }]));
 * const row = await new ml.PolynomialExpansion({ inputCol: 'v', outputCol: 'p' }).transform(assembled).first();
 * ml.Vectors.of(row!['p']).toArray(); // → [2, 4, 3, 6, 9]
 * ```
 */
export const PolynomialExpansion: T<One & { /** Highest degree of the products; 2 by default. */ degree: number }> = transformer(
  spec('feature.PolynomialExpansion', `${ONE} degree=2`),
);
/** An instance of {@link PolynomialExpansion}. */
export type PolynomialExpansion = InstanceType<typeof PolynomialExpansion>;

/** Multiplies every value of a column with every value of the others; indices of labels become vectors with a single 1 first (`Interaction`). */
export const Interaction: T<HasInputCols & HasOutputCol> = transformer(spec('feature.Interaction', 'inputCols outputCol'));
/** An instance of {@link Interaction}. */
export type Interaction = InstanceType<typeof Interaction>;

/** Transforms vectors by the unitary cosine transform DCT-II, or back (`DCT`). */
export const DCT: T<One & { /** Whether to transform back (DCT-III); false by default. */ inverse: boolean }> = transformer(
  spec('feature.DCT', `${ONE} inverse=false`),
);
/** An instance of {@link DCT}. */
export type DCT = InstanceType<typeof DCT>;

/** Hashes numbers, strings and booleans of several columns into one sparse vector (`FeatureHasher`). */
export const FeatureHasher: T<
  HasInputCols &
    HasOutputCol & {
      /** Numeric columns whose values are categories, as strings are. */
      categoricalCols: readonly string[];
      /** Number of features; 262,144 by default. */
      numFeatures: number;
    }
> = transformer(spec('feature.FeatureHasher', 'categoricalCols inputCols numFeatures=262144 outputCol'));
/** An instance of {@link FeatureHasher}. */
export type FeatureHasher = InstanceType<typeof FeatureHasher>;
