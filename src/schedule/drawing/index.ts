/** Seeing a schedule: a picture of a round, and its two renderings. */
export { pictureOf, type PictureOptions } from './compose.js';
export type { Picture } from './picture.js';
export { svgPicture, type SvgOptions } from './svg.js';
export { textPicture, type TextOptions } from './text.js';
