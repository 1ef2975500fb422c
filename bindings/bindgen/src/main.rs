//! Writes the Kotlin or Swift side of the library from the metadata in a built one.

fn main() {
    uniffi::uniffi_bindgen_main();
}
