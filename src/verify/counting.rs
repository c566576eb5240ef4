//! Memory that the runtime asks for, counted to the byte: an allocator of ours that its sessions use, and the figures of
//! its own arena.
//!
//! The one place of the program that is `unsafe`: the runtime is a C library and calls the allocator back through
//! pointers.
#![expect(
    unsafe_code,
    reason = "an allocator that C code calls; every pointer is the runtime's own or one given to it"
)]

use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::{AsPointer, environment::Environment, ortsys, sys};
use std::alloc::{Layout, alloc, dealloc};
use std::collections::HashMap;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Alignment of every block, that of the runtime's own allocator on processors with 512-bit vectors.
const ALIGNMENT: usize = 64;

/// Counts live bytes. Sessions use it once it is registered and they ask for the environment's allocators.
#[repr(C)]
pub(super) struct Counting {
    /// What the runtime sees. First, so that a pointer to it is one to the whole.
    base: sys::OrtAllocator,
    info: MemoryInfo<'static>,
    count: Mutex<Count>,
}

#[derive(Default)]
struct Count {
    live: usize,
    peak: usize,
    sizes: HashMap<usize, usize>,
}

impl Counting {
    /// An allocator for the processor's memory, registered with the environment. It is never freed, because it must
    /// outlive every session.
    pub(super) fn register(environment: &Environment) -> ort::Result<&'static Counting> {
        let info = MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::Default)?;
        // SAFETY: the default is a table without functions, which are put in before anybody sees it.
        let mut base = unsafe { sys::OrtAllocator::default() };
        base.Alloc = Some(allocate);
        base.Free = Some(free);
        base.Info = Some(info_of);
        base.Reserve = Some(reserve);
        let counting = Box::leak(Box::new(Counting { base, info, count: Mutex::default() }));
        ortsys![unsafe RegisterAllocator(environment.ptr().cast_mut(), ptr::from_mut(counting).cast())?];
        Ok(counting)
    }

    /// Forgets the past: the peak begins at what is live now.
    pub(super) fn mark(&self) -> Mark<'_> {
        let mut count = self.count();
        count.peak = count.live;
        Mark { counting: self, before: count.live }
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The moment from which a peak is counted.
pub(super) struct Mark<'a> {
    counting: &'a Counting,
    before: usize,
}

impl Mark<'_> {
    /// The most bytes live at once since, beyond those live then.
    pub(super) fn peak(&self) -> u64 {
        self.counting.count().peak.saturating_sub(self.before) as u64
    }
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size, ALIGNMENT).ok().filter(|_| size > 0)
}

unsafe extern "system" fn allocate(this: *mut sys::OrtAllocator, size: usize) -> *mut c_void {
    // SAFETY: the runtime passes the pointer that it was given, which is to a leaked `Counting`.
    let counting = unsafe { &*this.cast::<Counting>() };
    let Some(layout) = layout(size) else { return ptr::null_mut() };
    // SAFETY: the layout is not empty.
    let block = unsafe { alloc(layout) };
    if !block.is_null() {
        let mut count = counting.count();
        count.live += size;
        count.peak = count.peak.max(count.live);
        count.sizes.insert(block.addr(), size);
    }
    block.cast()
}

unsafe extern "system" fn reserve(this: *const sys::OrtAllocator, size: usize) -> *mut c_void {
    // SAFETY: as for `allocate`, which does not write through the pointer.
    unsafe { allocate(this.cast_mut(), size) }
}

unsafe extern "system" fn free(this: *mut sys::OrtAllocator, block: *mut c_void) {
    // SAFETY: as for `allocate`.
    let counting = unsafe { &*this.cast::<Counting>() };
    let mut count = counting.count();
    // A block that is not ours is left alone: to unwind into C would be worse than to lose it.
    let Some(size) = count.sizes.remove(&block.addr()) else { return };
    count.live -= size;
    drop(count);
    if let Some(layout) = layout(size) {
        // SAFETY: `allocate` made the block with this layout, and it was in the table once.
        unsafe { dealloc(block.cast(), layout) }
    }
}

unsafe extern "system" fn info_of(this: *const sys::OrtAllocator) -> *const sys::OrtMemoryInfo {
    // SAFETY: as for `allocate`.
    unsafe { (*this.cast::<Counting>()).info.ptr() }
}

/// What the allocator of a session itself says under a name (`MaxInUse`, in bytes), or `None` if it keeps no figures.
pub(super) fn statistic(allocator: &Allocator, name: &str) -> Option<u64> {
    let mut pairs: *mut sys::OrtKeyValuePairs = ptr::null_mut();
    let mut ask = || -> ort::Result<()> {
        ortsys![unsafe AllocatorGetStats(allocator.ptr(), &raw mut pairs)?];
        Ok(())
    };
    ask().ok()?;
    let pairs = ptr::NonNull::new(pairs)?;
    let (mut keys, mut values, mut length) = (ptr::null(), ptr::null(), 0);
    // SAFETY: the pairs are the runtime's; it fills in two lists of so many strings that live as long as the pairs.
    let found = unsafe {
        (ort::api().GetKeyValuePairs)(pairs.as_ptr(), &raw mut keys, &raw mut values, &raw mut length);
        (0..length).find_map(|i| {
            let text = |list: *const *const std::ffi::c_char| CStr::from_ptr(*list.add(i)).to_str().ok();
            (text(keys)? == name).then(|| text(values)?.parse().ok())?
        })
    };
    // SAFETY: nothing of the pairs is used after this.
    unsafe { (ort::api().ReleaseKeyValuePairs)(pairs.as_ptr()) };
    found
}
