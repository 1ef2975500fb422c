#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fieldfare_decoders::run("packed", bytes));
