/** Machine learning by itself: the classes of `ml`, for pages that name them one by one. */
export * from './ml/index.js';
