import { Join_JoinType as Join } from '../generated/spark/connect/relations_pb.js';

/** The kinds of join, by Spark's names. */
export type JoinType =
  | 'inner'
  | 'cross'
  | 'outer'
  | 'full'
  | 'fullouter'
  | 'left'
  | 'leftouter'
  | 'right'
  | 'rightouter'
  | 'semi'
  | 'leftsemi'
  | 'anti'
  | 'leftanti';

/** @internal */
export const JOINS: Record<JoinType, Join> = {
  inner: Join.INNER,
  cross: Join.CROSS,
  outer: Join.FULL_OUTER,
  full: Join.FULL_OUTER,
  fullouter: Join.FULL_OUTER,
  left: Join.LEFT_OUTER,
  leftouter: Join.LEFT_OUTER,
  right: Join.RIGHT_OUTER,
  rightouter: Join.RIGHT_OUTER,
  semi: Join.LEFT_SEMI,
  leftsemi: Join.LEFT_SEMI,
  anti: Join.LEFT_ANTI,
  leftanti: Join.LEFT_ANTI,
};
