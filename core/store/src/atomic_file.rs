//! Small files that are either the old or the new one, whatever happens in between.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Puts `content` at `path`, readable by the owner alone, durably and in one step.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = temporary_path(path);
    write_and_sync(&temporary, content)?;
    fs::rename(&temporary, path)?;
    sync_parent(path)
}

/// Removes a file and whatever an interrupted write left beside it. Absent is fine.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    remove_one(&temporary_path(path))?;
    remove_one(path)?;
    sync_parent(path)
}

pub(crate) fn remove_one(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes renames and removals in the file's directory durable.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) if cfg!(unix) && !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}

fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn write_and_sync(path: &Path, content: &[u8]) -> io::Result<()> {
    remove_one(path)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_write_before_leaves_the_next_one_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.bin");
        fs::write(temporary_path(&path), b"torn").unwrap();
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert!(!temporary_path(&path).exists());
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!path.exists());
    }
}
