//! A library in the place of ONNX Runtime: one of an old version, or with `--cfg aborts` one that ends the process when it
//! is asked for anything. The layout is that of `OrtApiBase` in `onnxruntime_c_api.h`.

use std::ffi::{CStr, c_char, c_void};

#[repr(C)]
pub struct ApiBase {
    get_api: extern "C" fn(u32) -> *const c_void,
    get_version: extern "C" fn() -> *const c_char,
}

static BASE: ApiBase = ApiBase { get_api, get_version };

#[unsafe(no_mangle)]
pub extern "C" fn OrtGetApiBase() -> *const ApiBase {
    &BASE
}

extern "C" fn get_api(_version: u32) -> *const c_void {
    if cfg!(aborts) {
        eprintln!("the runtime is out of its mind");
        std::process::abort();
    }
    std::ptr::null()
}

extern "C" fn get_version() -> *const c_char {
    const VERSION: &CStr = if cfg!(aborts) { c"1.99.0" } else { c"1.20.1" };
    VERSION.as_ptr()
}
