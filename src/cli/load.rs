//! Files that are read in part: room for the whole file, filled only where the reader asks.
//!
//! Mapping the file would do as little work. But a mapped file that another program cuts short ends this one with a
//! signal; and where the system keeps files in large pages, a mapping counts every page of which one byte was touched
//! (59 MiB for a ResNet-50 of which 2 MiB are needed). The room is anonymous memory instead, of which the system hands
//! out only what is written, and there is nothing `unsafe` in it.

use cnnsize::front::onnx::Contents;
use memmap2::{MmapMut, MmapOptions};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// A file of which some bytes have been read.
pub(super) struct Partly {
    file: File,
    size: usize,
    room: MmapMut,
    /// The end of what was read last, where the file's cursor is.
    cursor: usize,
    /// How much to read at the least.
    ahead: usize,
}

/// Bytes that are read at once after a jump.
const FIRST: usize = 4 << 10;
/// Bytes that are read at once when it goes straight on.
const MOST: usize = 64 << 10;

/// Opens a file to be read in part.
pub(super) fn open(path: &Path) -> io::Result<Partly> {
    let file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // No memory has no place, so that an empty file needs room too.
    let room = MmapOptions::new().len(size.max(1)).no_reserve_swap().map_anon()?;
    Ok(Partly { file, size, room, cursor: 0, ahead: FIRST })
}

impl Contents for Partly {
    type Whole = MmapMut;

    fn size(&self) -> usize {
        self.size
    }

    fn fetch(&mut self, stretch: Range<usize>) -> io::Result<&[u8]> {
        if stretch.end > self.cursor {
            if stretch.start > self.cursor {
                self.file.seek(SeekFrom::Start(stretch.start as u64))?;
                self.cursor = stretch.start;
                self.ahead = FIRST;
            }
            let end = stretch.end.max(self.cursor.saturating_add(self.ahead)).min(self.size);
            self.file.read_exact(&mut self.room[self.cursor..end])?;
            self.cursor = end;
            self.ahead = MOST.min(self.ahead * 2);
        }
        self.room.get(stretch).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn whole(self) -> MmapMut {
        self.room
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Stretches in a row, across the end of what was read ahead, and after jumps.
    #[test]
    fn what_is_asked_for_is_there() {
        let path = std::env::temp_dir().join(format!("cnnsize-load-{}", std::process::id()));
        let bytes: Vec<u8> = (0..200_000u32).map(|i| u8::try_from(i % 251).unwrap()).collect();
        File::create(&path).and_then(|mut f| f.write_all(&bytes)).unwrap();
        let mut file = open(&path).unwrap();
        for stretch in [0..10, 10..5000, 4990..5001, 100_000..100_001, 100_000..170_000, 199_990..200_000] {
            assert_eq!(file.fetch(stretch.clone()).unwrap(), &bytes[stretch]);
        }
        assert!(file.fetch(199_999..200_001).is_err());
        std::fs::remove_file(&path).unwrap();
    }
}
