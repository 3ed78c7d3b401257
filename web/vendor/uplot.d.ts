/** uPlot as the server serves it: the package's own module, under a path that a browser can load. */
import uPlot from 'uplot';
export default uPlot;
