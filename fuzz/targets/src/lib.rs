//! Bodies of the fuzz targets, also run as tests over a seed corpus.
