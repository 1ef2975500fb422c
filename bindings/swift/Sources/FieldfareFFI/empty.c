// A target needs a source; the functions are in the Rust library.
