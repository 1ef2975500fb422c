//! The VFS that is put before SQLite's own.
//!
//! It is a copy of the default VFS whose `xOpen` and `xDelete` are ours. A file opened below a
//! watched folder gets a copy of its method table in which writing, truncating, syncing and closing
//! are ours; everything else goes straight to SQLite's own file, which lies at the start of the
//! memory SQLite gives, while what we keep lies behind it.
#![allow(
    unsafe_code,
    reason = "SQLite's VFS is a C interface; each function says what it relies on"
)]

use crate::{Entry, Fault};
use rusqlite::ffi;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::{align_of, size_of};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// What is noted of a folder, while it lives.
#[derive(Debug)]
pub struct Watch {
    folder: PathBuf,
    entries: Mutex<Vec<Entry>>,
    fault: Mutex<Option<Fault>>,
}

impl Watch {
    /// Everything done so far.
    pub fn entries(&self) -> Vec<Entry> {
        lock(&self.entries).clone()
    }

    /// Notes that the code under test begins a step.
    pub fn begin(&self, step: usize) {
        self.note(Entry::Begun(step));
    }

    /// Notes that the code under test said a step is done.
    pub fn done(&self, step: usize) {
        self.note(Entry::Done(step));
    }

    /// Fails writes from now on, or no more.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *lock(&self.fault) = fault;
    }

    /// Whether a set fault has failed all it shall fail.
    pub fn has_struck(&self) -> bool {
        lock(&self.fault).is_some_and(|fault| fault.failing == 0)
    }

    fn note(&self, entry: Entry) {
        lock(&self.entries).push(entry);
    }

    fn strikes(&self, on_sync: bool) -> Option<c_int> {
        let mut fault = lock(&self.fault);
        let fault = fault.as_mut()?;
        let kind = fault.kind;
        fault.strikes().then(|| kind.code(on_sync))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

static WATCHES: Mutex<Vec<Arc<Watch>>> = Mutex::new(Vec::new());

/// Watches what SQLite does below `folder`, from now on. Give the folder as it is opened.
///
/// # Panics
/// If SQLite does not take the VFS, which leaves nothing to test.
pub fn watch(folder: &Path) -> Arc<Watch> {
    install();
    let watch = Arc::new(Watch {
        folder: folder.to_owned(),
        entries: Mutex::default(),
        fault: Mutex::default(),
    });
    lock(&WATCHES).push(watch.clone());
    watch
}

fn watch_over(path: &Path) -> Option<(Arc<Watch>, String)> {
    let mut watches = lock(&WATCHES);
    watches.retain(|watch| Arc::strong_count(watch) > 1);
    let found = watches.iter().find(|w| path.starts_with(&w.folder))?;
    let name = path.strip_prefix(&found.folder).ok()?;
    Some((found.clone(), name.to_string_lossy().into_owned()))
}

/// The VFS that was the default one.
struct Real(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite calls a VFS from any thread; the table is never changed after `install`.
unsafe impl Send for Real {}
// SAFETY: as above.
unsafe impl Sync for Real {}

static REAL: OnceLock<Real> = OnceLock::new();

fn install() {
    REAL.get_or_init(|| {
        // SAFETY: the default VFS lives as long as the process; ours is leaked to do so too.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK, "SQLite starts");
            let real = ffi::sqlite3_vfs_find(ptr::null());
            assert!(!real.is_null(), "there is a default VFS");
            let mut ours = ptr::read(real);
            ours.zName = c"fieldfare-disk".as_ptr();
            ours.szOsFile = behind(real) as c_int + size_of::<Kept>() as c_int;
            ours.pNext = ptr::null_mut();
            ours.xOpen = Some(open);
            ours.xDelete = Some(delete);
            let ours = Box::leak(Box::new(ours));
            assert_eq!(ffi::sqlite3_vfs_register(ours, 1), ffi::SQLITE_OK);
            Real(real)
        }
    });
}

/// Where our part of a file's memory begins.
///
/// SAFETY: `real` is the VFS found at the start.
unsafe fn behind(real: *mut ffi::sqlite3_vfs) -> usize {
    // SAFETY: as the caller says.
    let size = unsafe { (*real).szOsFile } as usize;
    size.next_multiple_of(align_of::<Kept>())
}

/// What lies behind SQLite's own file.
#[repr(C)]
struct Kept {
    real: *const ffi::sqlite3_io_methods,
    ours: *mut ffi::sqlite3_io_methods,
    file: *mut Named,
}

struct Named {
    watch: Arc<Watch>,
    name: String,
}

fn real() -> *mut ffi::sqlite3_vfs {
    REAL.get().map_or(ptr::null_mut(), |real| real.0)
}

/// SAFETY: `file` was opened by [`open`] and is watched.
unsafe fn kept<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Kept {
    // SAFETY: `szOsFile` of our VFS made room for it there.
    unsafe { &mut *file.cast::<u8>().add(behind(real())).cast::<Kept>() }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a path that is null or ends with a zero, and memory of `szOsFile` bytes.
    unsafe {
        let Some(open) = (*real()).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        let found = path_of(path).and_then(|path| Some((path.clone(), watch_over(&path)?)));
        let is_new = found.as_ref().is_some_and(|(path, _)| !path.exists());
        let result = open(vfs, path, file, flags, out_flags);
        let Some((_, (watch, name))) = found.filter(|_| result == ffi::SQLITE_OK) else {
            return result;
        };
        if is_new {
            watch.note(Entry::Create { file: name.clone() });
        }
        let real = (*file).pMethods;
        let mut ours = ptr::read(real);
        // Version 2 has the shared memory that a log needs, and no mapped reading.
        ours.iVersion = ours.iVersion.min(2);
        ours.xClose = Some(close);
        ours.xWrite = Some(write);
        ours.xTruncate = Some(truncate);
        ours.xSync = Some(sync);
        let place = file.cast::<u8>().add(behind(self::real())).cast::<Kept>();
        let ours = Box::into_raw(Box::new(ours));
        let named = Box::into_raw(Box::new(Named { watch, name }));
        ptr::write(
            place,
            Kept {
                real,
                ours,
                file: named,
            },
        );
        (*file).pMethods = ours;
        result
    }
}

/// SAFETY: `path` is null or ends with a zero.
unsafe fn path_of(path: *const c_char) -> Option<PathBuf> {
    if path.is_null() {
        return None;
    }
    // SAFETY: as the caller says.
    let text = unsafe { CStr::from_ptr(path) };
    text.to_str().ok().map(PathBuf::from)
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    sync_folder: c_int,
) -> c_int {
    // SAFETY: SQLite gives a path that ends with a zero.
    unsafe {
        let Some(delete) = (*real()).xDelete else {
            return ffi::SQLITE_IOERR_DELETE;
        };
        let result = delete(vfs, path, sync_folder);
        let found = path_of(path).and_then(|path| watch_over(&path));
        if let (Some((watch, file)), ffi::SQLITE_OK) = (found, result) {
            let is_durable = sync_folder != 0;
            watch.note(Entry::Delete { file, is_durable });
        }
        result
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes a file once; what was boxed in `open` is given back here.
    unsafe {
        let Kept {
            real,
            ours,
            file: named,
        } = ptr::read(kept(file));
        (*file).pMethods = real;
        drop(Box::from_raw(named));
        let result = (*real).xClose.map_or(ffi::SQLITE_OK, |close| close(file));
        drop(Box::from_raw(ours));
        result
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    amount: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite gives `amount` bytes to write.
    unsafe {
        let kept = kept(file);
        let named = &*kept.file;
        if let Some(code) = named.watch.strikes(false) {
            return code;
        }
        let Some(write) = (*kept.real).xWrite else {
            return ffi::SQLITE_IOERR_WRITE;
        };
        let result = write(file, bytes, amount, at);
        if result == ffi::SQLITE_OK {
            let bytes = std::slice::from_raw_parts(bytes.cast::<u8>(), amount as usize);
            named.watch.note(Entry::Write {
                file: named.name.clone(),
                at: at as u64,
                bytes: bytes.to_vec(),
            });
        }
        result
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: the file is watched.
    unsafe {
        let kept = kept(file);
        let named = &*kept.file;
        if let Some(code) = named.watch.strikes(false) {
            return code;
        }
        let Some(truncate) = (*kept.real).xTruncate else {
            return ffi::SQLITE_IOERR_TRUNCATE;
        };
        let result = truncate(file, size);
        if result == ffi::SQLITE_OK {
            named.watch.note(Entry::Truncate {
                file: named.name.clone(),
                size: size as u64,
            });
        }
        result
    }
}

/// Only noted: a real sync would take time, and nobody pulls this machine's plug.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: the file is watched.
    let named = unsafe { &*kept(file).file };
    if let Some(code) = named.watch.strikes(true) {
        return code;
    }
    named.watch.note(Entry::Sync {
        file: named.name.clone(),
    });
    ffi::SQLITE_OK
}
