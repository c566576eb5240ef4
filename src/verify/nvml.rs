//! What the NVIDIA driver says that this process holds on its GPUs: everything, the driver's context and the workspaces
//! of its libraries included, which no arena knows of. Asked through NVML, which comes with the driver.

use nvml_wrapper::Nvml;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::error::NvmlError;
use std::process;

/// Bytes that this process holds on all devices. `None` without a driver, and where the driver does not tell.
pub(super) fn held() -> Option<u64> {
    let (devices, processes) = all().ok()?;
    of_process(process::id(), devices, processes)
}

/// A process on a device: its number, and the bytes that it holds.
type Held = (u32, UsedGpuMemory);

/// The number of devices, and the processes on them.
fn all() -> Result<(u32, Vec<Held>), NvmlError> {
    let nvml = Nvml::init()?;
    let devices = nvml.device_count()?;
    let mut all = Vec::new();
    for index in 0..devices {
        let processes = nvml.device_by_index(index)?.running_compute_processes()?;
        all.extend(processes.into_iter().map(|process| (process.pid, process.used_gpu_memory)));
    }
    Ok((devices, all))
}

/// Inside a container the driver knows the process by another number than it has itself: if it is alone on the only
/// device, it is the one.
fn of_process(own: u32, devices: u32, mut processes: Vec<Held>) -> Option<u64> {
    let alone = devices == 1 && processes.len() == 1;
    processes.retain(|(number, _)| alone || *number == own);
    let bytes = processes.iter().map(|(_, memory)| match memory {
        UsedGpuMemory::Used(bytes) => Some(*bytes),
        UsedGpuMemory::Unavailable => None,
    });
    bytes.reduce(|a, b| a?.checked_add(b?)).flatten()
}

#[cfg(test)]
mod tests {
    use super::UsedGpuMemory::{Unavailable, Used};
    use super::*;

    #[test]
    fn nobody_else_is_taken_for_this_process() {
        assert_eq!(of_process(7, 2, vec![(7, Used(100)), (8, Used(900)), (7, Used(20))]), Some(120));
        assert_eq!(of_process(7, 1, vec![(8, Used(100)), (9, Used(900))]), None);
        // Alone, under the number that it has outside its container.
        assert_eq!(of_process(7, 1, vec![(4321, Used(100))]), Some(100));
        assert_eq!(of_process(7, 2, vec![(4321, Used(100))]), None);
        assert_eq!(of_process(7, 1, vec![(7, Unavailable)]), None);
        assert_eq!(of_process(7, 1, vec![]), None);
    }
}
